#include "data/corpus/corpus_reader.hpp"

#include <algorithm>

#include "configs/error.hpp"
#include "data/corpus/checksum.hpp"

namespace spillway::data {
namespace {

ShardReader open_shard(const std::filesystem::path& dir, const ShardEntry& entry) {
  ShardReader shard(dir / entry.file, entry.first_id);
  if (shard.size() != entry.samples || shard.bytes() != entry.bytes) {
    fail_input("corpus shard " + shard.path().string() + ": holds " + std::to_string(shard.size()) +
               " samples, " + std::to_string(shard.bytes()) + " bytes; the manifest says " +
               std::to_string(entry.samples) + ", " + std::to_string(entry.bytes));
  }
  return shard;
}

void verify_shard(const std::filesystem::path& dir, const ShardEntry& entry, std::size_t limit,
                  std::vector<Damage>& found) {
  const std::size_t before = found.size();
  try {
    const bool same_file = to_hex(file_checksum(dir / entry.file)) == entry.file_hash;
    const ShardReader shard = open_shard(dir, entry);
    for (std::size_t i = 0; i < shard.size() && found.size() - before < limit; ++i) {
      if (std::string what = shard.complaint(i); !what.empty())
        found.push_back({entry.file, std::move(what)});
    }
    if (found.size() > before) return;
    if (shard.root() != entry.root) {
      found.push_back({entry.file, "corpus shard " + shard.path().string() +
                                       ": whole, but not the shard of the manifest"});
    } else if (!same_file) {
      found.push_back({entry.file, "corpus shard " + shard.path().string() +
                                       ": bytes outside the samples were changed"});
    }
  } catch (const Error& error) {
    found.push_back({entry.file, error.what()});
  }
}

}  // namespace

CorpusReader::CorpusReader(const std::filesystem::path& dir)
    : dir_(dir), manifest_(read_manifest(dir)) {
  std::uint64_t next_id = 0;
  for (const ShardEntry& entry : manifest_.shards) {
    if (entry.first_id != next_id)
      fail_input("corpus " + dir.string() + ": shard " + entry.file + " does not follow on");
    shards_.push_back(open_shard(dir, entry));
    next_id += entry.samples;
  }
  if (next_id != manifest_.samples || manifest_.base_count == 0 || manifest_.base_count > next_id) {
    fail_input("corpus " + dir.string() +
               ": the manifest's counts of samples contradict each other");
  }
}

const ShardReader& CorpusReader::shard_of(std::uint64_t id) const {
  if (id >= size()) {
    fail_input("corpus " + dir_.string() + ": no sample " + std::to_string(id) + "; valid: 0 to " +
               std::to_string(size() - 1));
  }
  const auto after = std::upper_bound(
      shards_.begin(), shards_.end(), id,
      [](std::uint64_t value, const ShardReader& shard) { return value < shard.first_id(); });
  return *std::prev(after);
}

Sample CorpusReader::get(std::uint64_t id) const {
  const ShardReader& shard = shard_of(id);
  return shard.get(id - shard.first_id());
}

SampleView CorpusReader::view(std::uint64_t id) const {
  const ShardReader& shard = shard_of(id);
  return shard.view(id - shard.first_id());
}

std::vector<Damage> verify(const std::filesystem::path& dir, std::size_t limit) {
  std::vector<Damage> found;
  for (const ShardEntry& entry : read_manifest(dir).shards) verify_shard(dir, entry, limit, found);
  return found;
}

}  // namespace spillway::data
