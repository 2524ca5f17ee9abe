#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "data/corpus/manifest.hpp"
#include "data/corpus/shard_writer.hpp"

namespace spillway::data {

struct CorpusWriterOptions {
  std::filesystem::path out;
  std::string name = "";  ///< empty: the last part of `out`
  std::uint64_t shard_bytes = std::uint64_t{256}
                              << 20;  ///< of sample text; a new shard begins beyond
  std::uint64_t base_count = 0;       ///< 0: every sample is its own base
  std::uint64_t seed = 0;
  std::string parent = "", parent_root = "";  ///< name and root of the corpus this one grows from
  std::map<std::string, std::string> options = {};  ///< noted in the manifest
  bool replace = false;  ///< an existing corpus at `out` is exchanged for the new one
};

/// Makes a corpus: samples in, sealed shards and a manifest out. Everything is written to OUT.tmp,
/// which becomes OUT in seal(); without seal() (an exception, a full disk) nothing is published and
/// OUT.tmp is removed. One thread.
class CorpusWriter {
 public:
  /// Throws Error(input) when `out` exists (unless it is a corpus to replace), cannot be made, or
  /// another process writes it now.
  explicit CorpusWriter(CorpusWriterOptions options);
  CorpusWriter(const CorpusWriter&) = delete;
  CorpusWriter& operator=(const CorpusWriter&) = delete;
  ~CorpusWriter();

  /// Stores a sample under the next id, which is returned; `sample.id` is not looked at. With
  /// base_count = 0 its base id becomes that id, otherwise its base id must be id % base_count.
  std::uint64_t append(Sample sample);
  std::uint64_t samples() const { return manifest_.samples; }

  /// Seals the last shard, writes the manifest and publishes the folder. Throws Error(input) when
  /// there is no sample.
  Manifest seal();

 private:
  void seal_shard();
  void publish();

  CorpusWriterOptions options_;
  std::filesystem::path unfinished_;
  int lock_ = -1;
  std::unique_ptr<ShardWriter> shard_;
  Manifest manifest_;
};

}  // namespace spillway::data
