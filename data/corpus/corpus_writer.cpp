#include "data/corpus/corpus_writer.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "configs/error.hpp"
#include "data/corpus/checksum.hpp"
#include "data/corpus/mapped_file.hpp"

namespace spillway::data {
namespace {

namespace fs = std::filesystem;

void check_target(const CorpusWriterOptions& options) {
  std::error_code ignored;
  if (options.out.empty()) fail_input("corpus: no folder to write to");
  if (!fs::exists(options.out, ignored)) return;
  const bool is_empty =
      fs::is_directory(options.out, ignored) && fs::is_empty(options.out, ignored);
  const bool is_corpus = fs::exists(options.out / kManifestFile, ignored);
  if (is_empty || (options.replace && is_corpus)) return;
  fail_input(
      "corpus " + options.out.string() + ": already exists" +
      (is_corpus ? "; --replace exchanges it" : " and is not a corpus; choose another folder"));
}

/// Makes the folder, empty, and holds a lock in it, so that a second writer is refused and a dead
/// one's leftovers are cleared.
int claim(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  const fs::path lock_path = folder / "lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock < 0)
    fail_input("corpus " + folder.string() + ": cannot be written (" + std::strerror(errno) + ")");
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(lock);
    fail_input("corpus " + folder.string() + ": another process is writing it");
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path() != lock_path) fs::remove_all(entry.path());
  }
  return lock;
}

/// Swaps two folders, in one step where the file system can, so that a reader finds the old corpus
/// or the new one.
void exchange(const fs::path& a, const fs::path& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return;
  const fs::path aside = b.string() + ".old";
  fs::remove_all(aside);
  fs::rename(b, aside);
  fs::rename(a, b);
  fs::rename(aside, a);
}

std::string shard_name(std::size_t index) {
  char name[32];
  std::snprintf(name, sizeof name, "shard-%05zu.h5", index);
  return name;
}

}  // namespace

CorpusWriter::CorpusWriter(CorpusWriterOptions options) : options_(std::move(options)) {
  // "runs/x/" and "runs/x" are one folder; the temporary stands beside it.
  if (!options_.out.has_filename()) options_.out = options_.out.parent_path();
  options_.out = fs::absolute(options_.out).lexically_normal();
  check_target(options_);
  unfinished_ = options_.out.string() + ".tmp";
  lock_ = claim(unfinished_);
  manifest_.name = options_.name.empty() ? options_.out.filename().string() : options_.name;
  manifest_.parent = options_.parent;
  manifest_.parent_root = options_.parent_root;
  manifest_.seed = options_.seed;
  manifest_.options = options_.options;
  manifest_.tool_version = SPILLWAY_VERSION;
}

CorpusWriter::~CorpusWriter() {
  if (lock_ < 0) return;
  std::error_code ignored;
  fs::remove_all(unfinished_, ignored);
  ::close(lock_);
}

std::uint64_t CorpusWriter::append(Sample sample) {
  sample.id = manifest_.samples;
  const std::uint64_t base_id =
      options_.base_count == 0 ? sample.id : sample.id % options_.base_count;
  if (options_.base_count == 0) sample.provenance.base_id = base_id;
  if (sample.provenance.base_id != base_id) {
    fail_input("sample " + std::to_string(sample.id) + " descends from " +
               std::to_string(sample.provenance.base_id) + "; by its place it must descend from " +
               std::to_string(base_id));
  }
  if (shard_ && shard_->samples() > 0 &&
      shard_->bytes() + sample.bytes.size() > options_.shard_bytes)
    seal_shard();
  if (!shard_)
    shard_ =
        std::make_unique<ShardWriter>(unfinished_ / shard_name(manifest_.shards.size()), sample.id);
  shard_->append(sample);
  ++manifest_.samples;
  manifest_.bytes += sample.bytes.size();
  ++manifest_.categories[to_string(sample.category)];
  ++manifest_.languages[sample.language];
  if (!sample.provenance.operator_name.empty())
    ++manifest_.operators[sample.provenance.operator_name];
  return sample.id;
}

void CorpusWriter::seal_shard() {
  manifest_.shards.push_back(shard_->seal());
  shard_.reset();
}

Manifest CorpusWriter::seal() {
  if (!shard_) fail_input("corpus " + options_.out.string() + ": no sample was given");
  seal_shard();
  manifest_.base_count = options_.base_count == 0
                             ? manifest_.samples
                             : std::min(options_.base_count, manifest_.samples);
  std::string roots;
  for (const ShardEntry& shard : manifest_.shards) roots += shard.root;
  manifest_.root = to_hex(checksum(roots));
  write_manifest(unfinished_, manifest_);
  publish();
  return manifest_;
}

void CorpusWriter::publish() {
  fs::remove(unfinished_ / "lock");
  if (fs::exists(options_.out / kManifestFile)) {
    exchange(unfinished_, options_.out);
    sync_to_disk(options_.out.parent_path());
    fs::remove_all(unfinished_);
  } else {
    fs::rename(unfinished_, options_.out);
    sync_to_disk(options_.out.parent_path());
  }
  ::close(lock_);
  lock_ = -1;
}

}  // namespace spillway::data
