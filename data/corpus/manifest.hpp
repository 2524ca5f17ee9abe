#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace spillway::data {

/// One sealed shard of a corpus.
struct ShardEntry {
  std::string file;            ///< name in the corpus folder
  std::uint64_t first_id = 0;  ///< of its first sample; ids are consecutive over shards
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;  ///< of sample text
  std::string file_hash;    ///< XXH3-64 of the whole file
  std::string root;         ///< XXH3-64 of its samples' checksums
};

/// What a corpus holds and what it was made of: DIR/manifest.json, written last.
struct Manifest {
  std::string name;
  std::string root;         ///< XXH3-64 of the shards' roots: equal for equal content
  std::string parent;       ///< name of the corpus it was grown from; empty: built from sources
  std::string parent_root;  ///< root of that corpus
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
  std::uint64_t base_count =
      0;  ///< samples [0, base_count) are unmutated; sample j descends from j % base_count
  std::uint64_t seed = 0;
  std::string tool_version;
  std::map<std::string, std::uint64_t> categories, languages, operators;  ///< samples of each
  std::map<std::string, std::string> options;  ///< of the command that made it
  std::vector<ShardEntry> shards;
};

inline constexpr const char* kManifestFile = "manifest.json";

/// Reads and checks DIR/manifest.json. Throws Error(input) when there is none (naming unfinished
/// leftovers) or a byte of it changed.
Manifest read_manifest(const std::filesystem::path& dir);

/// Writes DIR/manifest.json through a temporary file and syncs both.
void write_manifest(const std::filesystem::path& dir, const Manifest& manifest);

}  // namespace spillway::data
