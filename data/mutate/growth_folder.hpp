#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "data/corpus/manifest.hpp"

namespace spillway::data {

/// A shard that is finished, and what of its samples the manifest sums up.
struct GrownShard {
  ShardEntry entry;
  std::map<std::string, std::uint64_t> categories, languages, operators;
  std::uint64_t unmutated = 0;
};

/// The folder OUT.tmp in which a corpus grows, locked against a second writer. Each finished shard
/// has a note beside it; a later run with the same plan finds it there.
class GrowthFolder {
 public:
  /// `plan` says everything that decides the bytes of the shards; what another plan left is
  /// removed. Throws Error(input) when `out` exists (unless it is a corpus to replace), cannot be
  /// written, or is being written now.
  GrowthFolder(std::filesystem::path out, const std::string& plan, bool replace);
  GrowthFolder(const GrowthFolder&) = delete;
  GrowthFolder& operator=(const GrowthFolder&) = delete;
  ~GrowthFolder();

  const std::filesystem::path& out() const { return out_; }
  std::filesystem::path shard_path(std::uint64_t index) const;

  /// The shard as noted, when its file is there and still has the noted hash.
  std::optional<GrownShard> finished(std::uint64_t index) const;
  /// Notes a sealed shard.
  void note(std::uint64_t index, const GrownShard& shard) const;

  /// Removes the notes, writes the manifest, and makes the folder OUT.
  void publish(const Manifest& manifest);

 private:
  std::filesystem::path note_path(std::uint64_t index) const;

  std::filesystem::path out_, folder_;
  int lock_ = -1;
};

}  // namespace spillway::data
