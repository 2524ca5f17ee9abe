#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/corpus/manifest.hpp"
#include "data/corpus/shard_table.hpp"

namespace spillway::data {

/// Gathers samples in memory and writes them as one sealed shard. Equal samples give equal files,
/// byte for byte.
class ShardWriter {
 public:
  /// `path` is the final name; the ids of the samples count up from `first_id`.
  ShardWriter(std::filesystem::path path, std::uint64_t first_id);

  /// Id and base id are the sample's own. Throws Error(input) when its turns do not fit its bytes.
  void append(const Sample& sample);
  std::uint64_t samples() const { return table_.category.size(); }
  std::uint64_t bytes() const { return table_.bytes.size(); }

  /// Writes PATH.tmp, reads it again and checks every sample, marks it sealed, syncs it, and
  /// renames it. Throws Error(fault) and leaves at most PATH.tmp behind when any of this fails.
  ShardEntry seal();

 private:
  void append_turns(const Sample& sample);
  void append_provenance(const Sample& sample);
  void write_columns(const std::filesystem::path& path) const;

  std::filesystem::path path_;
  std::uint64_t first_id_;
  ShardTable<OwnedColumn> table_;
  std::vector<std::string> languages_, roles_, operators_;
};

}  // namespace spillway::data
