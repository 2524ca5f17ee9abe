#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/corpus/manifest.hpp"
#include "data/corpus/shard_reader.hpp"
#include "data/mutate/operator.hpp"

namespace spillway::data {

/// A sealed corpus, read by mapping its shards. All members may be called by any number of threads
/// at a time.
class CorpusReader : public SamplePool {
 public:
  /// Throws Error(input) when the folder, its manifest or a shard is missing, unfinished or
  /// truncated.
  explicit CorpusReader(const std::filesystem::path& dir);

  const std::filesystem::path& dir() const { return dir_; }
  const Manifest& manifest() const { return manifest_; }
  std::uint64_t size() const override { return manifest_.samples; }
  std::uint64_t base_count() const { return manifest_.base_count; }

  /// Sample `id` with its provenance. Throws Error(fault) naming shard and sample when a checksum
  /// does not match, Error(input) for an id that is not there.
  Sample get(std::uint64_t id) const override;
  /// What training needs of sample `id`, without a copy; valid while this reader lives.
  SampleView view(std::uint64_t id) const;

  const std::vector<ShardReader>& shards() const { return shards_; }
  const ShardReader& shard_of(std::uint64_t id) const;

 private:
  std::filesystem::path dir_;
  Manifest manifest_;
  std::vector<ShardReader> shards_;
};

/// One complaint of verify().
struct Damage {
  std::string shard;
  std::string what;  ///< one line; names the sample where one is at fault
};

/// Reads every byte of the corpus at `dir` and compares it with the hashes of its manifest; at most
/// `limit` complaints per shard. Throws Error(input) only when there is no manifest to compare
/// with.
std::vector<Damage> verify(const std::filesystem::path& dir, std::size_t limit = 10);

}  // namespace spillway::data
