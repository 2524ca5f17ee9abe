#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "parallel/comm/communicator.hpp"
#include "trainer/checkpoint/checkpoint.hpp"
#include "trainer/checkpoint/shard.hpp"

namespace spillway::trainer {

/// What one rank puts into a checkpoint.
struct Snapshot {
  std::int64_t step = 0;             ///< equal on all ranks
  std::vector<NamedTensor> tensors;  ///< those this rank owns; a name belongs to one rank
  nlohmann::json metadata;           ///< rank 0's is kept
};

/// What a save did.
struct SaveResult {
  std::filesystem::path path;
  std::uint64_t bytes = 0;  ///< of all ranks
  double seconds = 0;
  std::vector<std::filesystem::path> pruned;  ///< on rank 0
};

/// The checkpoints of a run: RUN/checkpoints/step-000123/{manifest.json, rank-0.h5, ...}.
///
/// A folder named step-N was published whole: shards synced, all ranks agreed, manifest synced,
/// then one rename. A folder named *.tmp is a save that did not finish; nobody reads it and the
/// next save removes it. There is no pointer to the latest: the newest is the valid one with the
/// highest step. The run folder must be visible to all ranks under one path. Communicators given
/// here carry CPU tensors; the tensors saved may be of any device.
class CheckpointStore {
 public:
  struct Entry {
    std::int64_t step = 0;
    std::filesystem::path path;
  };

  explicit CheckpointStore(const std::filesystem::path& run_dir);

  const std::filesystem::path& folder() const { return folder_; }

  /// Published checkpoints, newest first, valid or not.
  std::vector<Entry> entries() const;
  /// Folders of saves that did not finish.
  std::vector<std::filesystem::path> unfinished() const;
  /// find_damage() of every byte, remembered for as long as no file of the checkpoint changes.
  std::string damage(const Entry& entry);

  /// Collective over `world`. Either the checkpoint is published and all ranks return, or all ranks
  /// throw the same Error(fault) naming rank and file, the unfinished folder is gone and the older
  /// checkpoints stand: the caller may go on. A checkpoint of the same step is replaced. `keep` >
  /// 0: rank 0 then prunes to the newest `keep` (see prune()).
  SaveResult save(comm::Communicator& world, const Snapshot& snapshot, std::int64_t keep);

  /// The newest checkpoint without damage. Each one passed over is reported with the reason.
  std::optional<std::filesystem::path> newest_valid(const Report& report);
  /// Collective: rank 0 looks, all ranks get its choice. Only rank 0 reports.
  std::optional<std::filesystem::path> newest_valid(comm::Communicator& world,
                                                    const Report& report);

  /// Removes every checkpoint older than the newest max(keep, 2) valid ones; returns what is gone.
  std::vector<std::filesystem::path> prune(std::int64_t keep);

 private:
  std::filesystem::path unfinished_path(std::int64_t step) const;
  void prepare(std::int64_t step) const;
  void publish(const Snapshot& snapshot, const std::vector<std::string>& shard_texts);

  std::filesystem::path folder_;
  std::map<std::filesystem::path, std::string>
      sound_;  ///< path -> state of its files when verified
};

/// "step-000123"
std::string checkpoint_name(std::int64_t step);

/// One process saves all there is under a path of its own, which must not exist; the checkpoint
/// appears there whole or not at all. Throws Error(input) when `path` exists.
void save_alone(const std::filesystem::path& path, const Snapshot& snapshot);

/// `path` when it is a folder; throws Error(input) naming it when not.
std::filesystem::path existing_run(const std::filesystem::path& path);

/// A checkpoint's folder as it is, or the newest valid checkpoint of a run's folder. Throws
/// Error(input) when `path` is neither, or the run has no valid checkpoint.
std::filesystem::path find_checkpoint(const std::filesystem::path& path, const Report& report);

}  // namespace spillway::trainer
