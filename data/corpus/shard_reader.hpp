#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/corpus/mapped_file.hpp"
#include "data/corpus/shard_table.hpp"

namespace spillway::data {

/// What training needs of a sample, without a copy of its bytes; valid while the reader lives.
struct SampleView {
  std::uint64_t id = 0;
  std::uint64_t base_id = 0;
  std::string_view bytes;
  Category category = Category::text;
  bool mutated = false;
  std::vector<Turn> turns;
};

/// A shard on disk. HDF5 is asked once where each column lies; after that the mapped file is read,
/// by any number of threads at a time. Every access checks the sample's checksum and throws
/// Error(fault) naming shard and sample when it does not match.
class ShardReader {
 public:
  enum class Expect : std::uint8_t { sealed, unsealed };
  /// Throws Error(input) when the file is missing, truncated, not sealed, or not a shard.
  ShardReader(const std::filesystem::path& path, std::uint64_t first_id,
              Expect expect = Expect::sealed);

  std::uint64_t size() const { return table_.category.size(); }
  std::uint64_t bytes() const { return table_.bytes.size(); }
  std::uint64_t first_id() const { return first_id_; }
  const std::filesystem::path& path() const { return path_; }

  /// Row `i` of this shard, checked over what is in the view.
  SampleView view(std::size_t i) const;
  /// Row `i` of this shard, checked over everything.
  Sample get(std::size_t i) const;
  /// Empty when row `i` is whole, else one line.
  std::string complaint(std::size_t i) const;
  /// XXH3-64 of all checksums, as hexadecimal.
  std::string root() const;

 private:
  void map_columns();
  void check_lengths() const;
  std::string where(std::size_t i) const;
  void check_data(std::size_t i) const;
  std::vector<Turn> turns(std::size_t i) const;

  std::filesystem::path path_;
  std::uint64_t first_id_ = 0;
  MappedFile file_;
  ShardTable<MappedColumn> table_;
  std::vector<std::string> languages_, roles_, operators_;
  std::uint64_t names_ = 0;
};

}  // namespace spillway::data
