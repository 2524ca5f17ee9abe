#include "data/mutate/growth_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "configs/error.hpp"
#include "data/corpus/checksum.hpp"
#include "data/corpus/mapped_file.hpp"

namespace spillway::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockFile = "lock";
constexpr const char* kPlanFile = "plan.txt";

fs::path normal(fs::path out) {
  if (out.empty()) fail_input("corpus mutate: no folder to write to");
  if (!out.has_filename()) out = out.parent_path();  // "runs/x/" and "runs/x" are one folder
  return fs::absolute(out).lexically_normal();
}

void check_target(const fs::path& out, bool replace) {
  std::error_code ignored;
  if (!fs::exists(out, ignored)) return;
  if (fs::is_directory(out, ignored) && fs::is_empty(out, ignored)) return;
  const bool is_corpus = fs::exists(out / kManifestFile, ignored);
  if (replace && is_corpus) return;
  fail_input(
      "corpus " + out.string() + ": already exists" +
      (is_corpus ? "; --replace exchanges it" : " and is not a corpus; choose another folder"));
}

int lock(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  const int file = ::open((folder / kLockFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0)
    fail_input("corpus " + folder.string() + ": cannot be written (" + std::strerror(errno) + ")");
  if (::flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(file);
    fail_input("corpus " + folder.string() + ": another process is writing it");
  }
  return file;
}

std::string read_text(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_text(const fs::path& path, const std::string& text) {
  const fs::path unfinished = path.string() + ".new";
  std::ofstream stream(unfinished, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) fail(unfinished.string() + ": cannot be written; is the disk full?");
  sync_to_disk(unfinished);
  fs::rename(unfinished, path);
}

nlohmann::json to_json(const GrownShard& shard) {
  const ShardEntry& entry = shard.entry;
  return {{"file", entry.file},
          {"first_id", entry.first_id},
          {"samples", entry.samples},
          {"bytes", entry.bytes},
          {"file_hash", entry.file_hash},
          {"root", entry.root},
          {"categories", shard.categories},
          {"languages", shard.languages},
          {"operators", shard.operators},
          {"unmutated", shard.unmutated}};
}

GrownShard from_json(const nlohmann::json& note) {
  GrownShard shard;
  shard.entry = {note.at("file"),  note.at("first_id"),  note.at("samples"),
                 note.at("bytes"), note.at("file_hash"), note.at("root")};
  note.at("categories").get_to(shard.categories);
  note.at("languages").get_to(shard.languages);
  note.at("operators").get_to(shard.operators);
  note.at("unmutated").get_to(shard.unmutated);
  return shard;
}

std::string shard_name(std::uint64_t index, const char* ending) {
  char name[40];
  std::snprintf(name, sizeof name, "shard-%05llu.%s", static_cast<unsigned long long>(index),
                ending);
  return name;
}

}  // namespace

GrowthFolder::GrowthFolder(fs::path out, const std::string& plan, bool replace)
    : out_(normal(std::move(out))), folder_(out_.string() + ".tmp") {
  check_target(out_, replace);
  lock_ = lock(folder_);
  if (read_text(folder_ / kPlanFile) == plan) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
    if (entry.path().filename() != kLockFile) fs::remove_all(entry.path());
  }
  write_text(folder_ / kPlanFile, plan);
}

GrowthFolder::~GrowthFolder() {
  if (lock_ >= 0) ::close(lock_);
}

fs::path GrowthFolder::shard_path(std::uint64_t index) const {
  return folder_ / shard_name(index, "h5");
}
fs::path GrowthFolder::note_path(std::uint64_t index) const {
  return folder_ / shard_name(index, "json");
}

std::optional<GrownShard> GrowthFolder::finished(std::uint64_t index) const {
  std::error_code ignored;
  if (!fs::exists(note_path(index), ignored) || !fs::exists(shard_path(index), ignored))
    return std::nullopt;
  try {
    GrownShard shard = from_json(nlohmann::json::parse(read_text(note_path(index))));
    if (to_hex(file_checksum(shard_path(index))) == shard.entry.file_hash) return shard;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // A note that cannot be read is none: the shard is made again.
  }
  return std::nullopt;
}

void GrowthFolder::note(std::uint64_t index, const GrownShard& shard) const {
  write_text(note_path(index), to_json(shard).dump() + "\n");
}

void GrowthFolder::publish(const Manifest& manifest) {
  write_manifest(folder_, manifest);
  for (std::uint64_t i = 0; i < manifest.shards.size(); ++i) fs::remove(note_path(i));
  fs::remove(folder_ / kPlanFile);
  fs::remove(folder_ / kLockFile);
  const fs::path old = out_.string() + ".old";
  fs::remove_all(old);
  if (fs::exists(out_)) fs::rename(out_, old);
  fs::rename(folder_, out_);
  sync_to_disk(out_.parent_path());
  fs::remove_all(old);
}

}  // namespace spillway::data
