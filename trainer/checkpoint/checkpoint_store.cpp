#include "trainer/checkpoint/checkpoint_store.hpp"

#include <c10/util/Exception.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "configs/error.hpp"
#include "trainer/checkpoint/agreement.hpp"
#include "trainer/checkpoint/durable_file.hpp"

namespace spillway::trainer {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kPrefix = "step-";
constexpr std::string_view kUnfinished = ".tmp";
constexpr std::int64_t kLeastKept = 2;

/// The step of a name like step-000123; nothing for any other name.
std::optional<std::int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const char* begin = name.data() + kPrefix.size();
  const char* end = name.data() + name.size();
  std::int64_t step = 0;
  const auto [rest, error] = std::from_chars(begin, end, step);
  if (error != std::errc() || rest != end || step < 0) return std::nullopt;
  return step;
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing)) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  return folders;
}

/// Changes whenever a file of the checkpoint is written, exchanged, cut or removed.
std::string state_of_files(const fs::path& checkpoint) {
  std::vector<std::string> lines;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(checkpoint, missing)) {
    struct stat status {};
    if (::stat(entry.path().c_str(), &status) != 0) continue;
    lines.push_back(entry.path().filename().string() + " " + std::to_string(status.st_ino) + " " +
                    std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_sec) +
                    "." + std::to_string(status.st_mtim.tv_nsec) + " " +
                    std::to_string(status.st_ctim.tv_sec) + "." +
                    std::to_string(status.st_ctim.tv_nsec));
  }
  std::sort(lines.begin(), lines.end());
  std::string state;
  for (const std::string& line : lines) state += line + "\n";
  return state;
}

/// Runs `action`; the reason why it failed, or nothing.
template <class Action>
std::string complaint_of(Action&& action) {
  try {
    action();
    return "";
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// One rank's shard as text for the others; empty for a rank that owns nothing.
std::string write_own_shard(const fs::path& folder, int rank,
                            const std::vector<NamedTensor>& tensors) {
  if (tensors.empty()) return "";
  const ShardRecord shard = write_shard(folder / ("rank-" + std::to_string(rank) + ".h5"), tensors);
  return json{{"file", shard.file}, {"tensors", shard.tensors}}.dump();
}

/// Adds a rank's shard to the manifest, after looking whether its file is really here.
void add_shard(const fs::path& folder, const json& shard, Manifest& manifest) {
  const auto file = shard.at("file").get<FileRecord>();
  std::error_code error;
  if (fs::file_size(folder / file.name, error) != file.bytes || error) {
    fail((folder / file.name).string() +
         ": written by its rank, but not here; run.dir must be one folder that all hosts see");
  }
  manifest.files.push_back(file);
  for (const auto& [name, record] : shard.at("tensors").items()) {
    const auto [at, added] = manifest.tensors.emplace(name, record.get<TensorRecord>());
    if (!added) {
      fail_input("tensor " + name + " is given by two ranks, in " + at->second.file + " and " +
                 file.name);
    }
  }
}

std::uint64_t total_bytes(const std::vector<std::string>& shard_texts) {
  std::uint64_t bytes = 0;
  for (const std::string& text : shard_texts) {
    if (!text.empty()) bytes += json::parse(text).at("file").get<FileRecord>().bytes;
  }
  return bytes;
}

}  // namespace

std::string checkpoint_name(std::int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%06lld", static_cast<long long>(step));
  return name;
}

CheckpointStore::CheckpointStore(const fs::path& run_dir)
    : folder_(fs::absolute(run_dir) / "checkpoints") {}

fs::path CheckpointStore::unfinished_path(std::int64_t step) const {
  return folder_ / (checkpoint_name(step) + std::string(kUnfinished));
}

std::vector<CheckpointStore::Entry> CheckpointStore::entries() const {
  std::vector<Entry> entries;
  for (const fs::path& path : folders_in(folder_)) {
    if (const auto step = step_of(path.filename())) entries.push_back({*step, path});
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.step > b.step; });
  return entries;
}

std::vector<fs::path> CheckpointStore::unfinished() const {
  std::vector<fs::path> found;
  for (const fs::path& path : folders_in(folder_)) {
    const std::string name = path.filename();
    if (name.starts_with(kPrefix) && name.ends_with(kUnfinished)) found.push_back(path);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string CheckpointStore::damage(const Entry& entry) {
  const std::string state = state_of_files(entry.path);
  if (const auto known = sound_.find(entry.path); known != sound_.end() && known->second == state) {
    return "";
  }
  std::string found = find_damage(entry.path);
  if (found.empty() && read_manifest(entry.path).step != entry.step) {
    found = std::string(kManifestName) + ": is of step " +
            std::to_string(read_manifest(entry.path).step);
  }
  if (found.empty()) sound_[entry.path] = state;
  return found;
}

void CheckpointStore::prepare(std::int64_t step) const {
  fs::create_directories(folder_);
  for (const fs::path& path : unfinished()) fs::remove_all(path);
  fs::create_directory(unfinished_path(step));
}

void CheckpointStore::publish(const Snapshot& snapshot,
                              const std::vector<std::string>& shard_texts) {
  const fs::path unfinished = unfinished_path(snapshot.step);
  const fs::path published = folder_ / checkpoint_name(snapshot.step);
  Manifest manifest{
      .step = snapshot.step, .files = {}, .tensors = {}, .metadata = snapshot.metadata};
  for (const std::string& text : shard_texts) {
    if (!text.empty()) add_shard(unfinished, json::parse(text), manifest);
  }
  write_file_durably(unfinished / kManifestName, to_text(manifest));
  publish_folder(unfinished, published);
  sound_[published] = state_of_files(published);
}

SaveResult CheckpointStore::save(comm::Communicator& world, const Snapshot& snapshot,
                                 std::int64_t keep) {
  const auto start = std::chrono::steady_clock::now();
  const bool leads = world.rank() == 0;
  const fs::path unfinished = unfinished_path(snapshot.step);
  const std::string what = "checkpoint of step " + std::to_string(snapshot.step);
  std::vector<std::string> shards;
  SaveResult result;
  result.path = folder_ / checkpoint_name(snapshot.step);
  try {
    agree(world, what, complaint_of([&] {
            if (leads) prepare(snapshot.step);
          }));
    std::string shard;
    agree(world, what, complaint_of([&] {
            shard = write_own_shard(unfinished, world.rank(), snapshot.tensors);
          }));
    shards = gather_text(world, shard);
    agree(world, what, complaint_of([&] {
            if (leads) publish(snapshot, shards);
          }));
  } catch (const Error&) {
    std::error_code ignored;
    if (leads) fs::remove_all(unfinished, ignored);
    throw;
  }
  result.bytes = total_bytes(shards);
  if (leads && keep > 0) {
    // The checkpoint stands; what cannot be removed now is tried again at the next one.
    complaint_of([&] { result.pruned = prune(keep); });
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

std::optional<fs::path> CheckpointStore::newest_valid(const Report& report) {
  for (const Entry& entry : entries()) {
    const std::string found = damage(entry);
    if (found.empty()) return entry.path;
    report(entry.path.string() + " passed over: " + found);
  }
  return std::nullopt;
}

std::optional<fs::path> CheckpointStore::newest_valid(comm::Communicator& world,
                                                      const Report& report) {
  std::string choice;
  const std::string complaint = complaint_of([&] {
    if (world.rank() == 0) choice = newest_valid(report).value_or("").string();
  });
  agree(world, "looking for a checkpoint", complaint);
  choice = broadcast_text(world, choice);
  if (choice.empty()) return std::nullopt;
  return choice;
}

std::vector<fs::path> CheckpointStore::prune(std::int64_t keep) {
  const std::vector<Entry> all = entries();
  const std::int64_t wanted = std::max(keep, kLeastKept);
  std::int64_t kept = 0;
  std::size_t first_gone = 0;
  for (; first_gone < all.size() && kept < wanted; ++first_gone) {
    if (damage(all[first_gone]).empty()) ++kept;
  }
  std::vector<fs::path> gone;
  for (std::size_t i = all.size(); i > first_gone; --i) {
    // Out of sight first, so that a removal cut short leaves no damaged checkpoint behind.
    const fs::path& path = all[i - 1].path;
    const fs::path aside = path.string() + std::string(kUnfinished);
    fs::rename(path, aside);
    fs::remove_all(aside);
    sound_.erase(path);
    gone.push_back(path);
  }
  return gone;
}

void save_alone(const fs::path& path, const Snapshot& snapshot) {
  const fs::path published = fs::absolute(path);
  if (fs::exists(published)) fail_input(path.string() + " exists already");
  const fs::path unfinished = published.string() + std::string(kUnfinished);
  fs::remove_all(unfinished);
  fs::create_directories(unfinished);
  try {
    Manifest manifest{
        .step = snapshot.step, .files = {}, .tensors = {}, .metadata = snapshot.metadata};
    const std::string shard = write_own_shard(unfinished, 0, snapshot.tensors);
    if (!shard.empty()) add_shard(unfinished, json::parse(shard), manifest);
    write_file_durably(unfinished / kManifestName, to_text(manifest));
    publish_folder(unfinished, published);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(unfinished, ignored);
    throw;
  }
}

fs::path existing_run(const fs::path& path) {
  if (!fs::exists(path)) fail_input(path.string() + ": no such folder");
  if (!fs::is_directory(path)) fail_input(path.string() + ": not a folder");
  return path;
}

fs::path find_checkpoint(const fs::path& path, const Report& report) {
  if (fs::exists(path / kManifestName)) return path;
  if (!fs::is_directory(path / "checkpoints")) {
    fail_input(path.string() +
               " is neither a checkpoint (no manifest.json) nor a run (no checkpoints folder)");
  }
  if (auto newest = CheckpointStore(path).newest_valid(report)) return *newest;
  fail_input(path.string() + " has no valid checkpoint");
}

}  // namespace spillway::trainer
