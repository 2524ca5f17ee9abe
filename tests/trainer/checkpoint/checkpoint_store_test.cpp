#include "trainer/checkpoint/checkpoint_store.hpp"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>

#include "tests/trainer/checkpoint/scratch.hpp"

namespace spillway::trainer {
namespace {

namespace fs = std::filesystem;

std::string name_of(int rank) { return "model/part" + std::to_string(rank); }

/// Saves one tensor a rank, filled with the step.
std::vector<std::string> save(const fs::path& run, std::int64_t step, int ranks = 1,
                              std::int64_t keep = 0, std::int64_t elements = 1000) {
  return on_ranks(ranks, [&](comm::Communicator& world) {
    const at::Tensor tensor = at::full({elements}, static_cast<double>(step), at::kFloat);
    CheckpointStore(run).save(world,
                              {.step = step,
                               .tensors = {{name_of(world.rank()), tensor}},
                               .metadata = {{"from", world.rank()}}},
                              keep);
  });
}

fs::path folder_of(const fs::path& run, std::int64_t step) {
  return run / "checkpoints" / checkpoint_name(step);
}

/// The newest valid step and what was said about the ones passed over.
std::int64_t newest(const fs::path& run, std::string& said) {
  said.clear();
  const auto path =
      CheckpointStore(run).newest_valid([&](const std::string& line) { said += line + "\n"; });
  return path ? Checkpoint(*path).step() : -1;
}

std::vector<std::int64_t> steps(const fs::path& run) {
  std::vector<std::int64_t> all;
  for (const auto& entry : CheckpointStore(run).entries()) all.push_back(entry.step);
  return all;
}

TEST(CheckpointStore, EveryRankReadsEveryRanksTensorsByName) {
  const auto run = scratch_folder();
  EXPECT_EQ(save(run, 7, 4), std::vector<std::string>(4));
  const Checkpoint checkpoint(folder_of(run, 7));
  EXPECT_EQ(checkpoint.names().size(), 4u);
  EXPECT_EQ(checkpoint.metadata().at("from"), 0);
  for (int rank = 0; rank < 4; ++rank) {
    EXPECT_TRUE(at::equal(checkpoint.read(name_of(rank)), at::full({1000}, 7.0, at::kFloat)));
  }
}

TEST(CheckpointStore, RanksThatOwnNothingWriteNoFile) {
  const auto run = scratch_folder();
  on_ranks(3, [&](comm::Communicator& world) {
    Snapshot snapshot{.step = 1, .tensors = {}, .metadata = {}};
    if (world.rank() == 1) snapshot.tensors = {{"a", at::full({2}, 1.0)}};
    CheckpointStore(run).save(world, snapshot, 0);
  });
  EXPECT_EQ(Checkpoint(folder_of(run, 1)).manifest().files.size(), 1u);
  EXPECT_TRUE(fs::exists(folder_of(run, 1) / "rank-1.h5"));
  EXPECT_FALSE(fs::exists(folder_of(run, 1) / "rank-0.h5"));
}

TEST(CheckpointStore, DamagedCheckpointsArePassedOverByName) {
  const auto run = scratch_folder();
  for (std::int64_t step = 1; step <= 6; ++step) save(run, step, 2);
  std::string said;
  EXPECT_EQ(newest(run, said), 6);
  EXPECT_EQ(said, "");

  fs::remove(folder_of(run, 6) / "manifest.json");
  EXPECT_EQ(newest(run, said), 5);
  EXPECT_NE(said.find("step-000006 passed over: "), std::string::npos) << said;
  EXPECT_NE(said.find("manifest.json: missing"), std::string::npos) << said;

  const auto shard = folder_of(run, 5) / "rank-1.h5";
  flip_bit(shard, fs::file_size(shard) / 2);
  EXPECT_EQ(newest(run, said), 4);
  EXPECT_NE(said.find("step-000005 passed over: rank-1.h5: checksum"), std::string::npos) << said;

  fs::resize_file(folder_of(run, 4) / "rank-0.h5", 1000);
  EXPECT_EQ(newest(run, said), 3);
  EXPECT_NE(said.find("rank-0.h5: 1000 bytes, written as"), std::string::npos) << said;

  fs::remove(folder_of(run, 3) / "rank-1.h5");
  fs::resize_file(folder_of(run, 2) / "manifest.json", 300);
  EXPECT_EQ(newest(run, said), 1);
  EXPECT_NE(said.find("rank-1.h5: No such file"), std::string::npos) << said;
  EXPECT_NE(said.find("not JSON (300 bytes; torn"), std::string::npos) << said;

  // The shards of two checkpoints exchanged: each is whole, neither is right.
  save(run, 8);
  save(run, 9);
  fs::rename(folder_of(run, 9) / "rank-0.h5", run / "kept");
  fs::copy_file(folder_of(run, 8) / "rank-0.h5", folder_of(run, 9) / "rank-0.h5");
  EXPECT_EQ(newest(run, said), 8);
  fs::rename(folder_of(run, 8), folder_of(run, 20));
  EXPECT_EQ(newest(run, said), 1);
  EXPECT_NE(said.find("manifest.json: is of step 8"), std::string::npos) << said;
}

TEST(CheckpointStore, DamageAfterVerificationIsStillFound) {
  const auto run = scratch_folder();
  save(run, 1);
  CheckpointStore store(run);
  EXPECT_EQ(store.damage(store.entries()[0]), "");
  EXPECT_EQ(store.damage(store.entries()[0]), "");
  flip_bit(folder_of(run, 1) / "rank-0.h5", 3000);
  EXPECT_NE(store.damage(store.entries()[0]), "");
}

TEST(CheckpointStore, UnfinishedSavesAreIgnoredAndRemovedByTheNext) {
  const auto run = scratch_folder();
  save(run, 1);
  fs::copy(folder_of(run, 1), folder_of(run, 9).string() + ".tmp");
  std::string said;
  EXPECT_EQ(newest(run, said), 1);
  EXPECT_EQ(CheckpointStore(run).unfinished().size(), 1u);
  save(run, 2);
  EXPECT_TRUE(CheckpointStore(run).unfinished().empty());
  EXPECT_EQ(steps(run), (std::vector<std::int64_t>{2, 1}));
}

TEST(CheckpointStore, SavingAStepAgainReplacesIt) {
  const auto run = scratch_folder();
  save(run, 3, 2);
  save(run, 3, 1);
  EXPECT_EQ(Checkpoint(folder_of(run, 3)).names().size(), 1u);
  EXPECT_FALSE(fs::exists(folder_of(run, 3) / "rank-1.h5"));
  EXPECT_TRUE(CheckpointStore(run).unfinished().empty());
}

TEST(CheckpointStore, AFullDiskOnOneRankFailsAllRanksAndKeepsTheOldCheckpoint) {
  const auto run = scratch_folder();
  const SmallDisk disk(run, "2m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs is not allowed here";
  EXPECT_EQ(save(run, 1, 3), std::vector<std::string>(3));
  const auto thrown = on_ranks(3, [&](comm::Communicator& world) {
    const std::int64_t elements = world.rank() == 2 ? 1 << 20 : 10;
    CheckpointStore(run).save(world,
                              {.step = 2,
                               .tensors = {{name_of(world.rank()), at::full({elements}, 1.0)}},
                               .metadata = {}},
                              0);
  });
  EXPECT_NE(thrown[0].find("checkpoint of step 2: rank 2: "), std::string::npos) << thrown[0];
  EXPECT_NE(thrown[0].find("step-000002.tmp/rank-2.h5: No space left on device"),
            std::string::npos);
  EXPECT_EQ(thrown, std::vector<std::string>(3, thrown[0]));
  EXPECT_TRUE(CheckpointStore(run).unfinished().empty());
  std::string said;
  EXPECT_EQ(newest(run, said), 1);
  EXPECT_EQ(save(run, 3, 3), std::vector<std::string>(3));
  EXPECT_EQ(newest(run, said), 3);
}

TEST(CheckpointStore, ADiskFullToTheLastByteIsAnErrorToo) {
  const auto run = scratch_folder();
  const SmallDisk disk(run, "1m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs is not allowed here";
  save(run, 1);
  {
    File filler = File::open_to_write(run / "filler");
    complaint([&] { filler.write_at(0, std::vector<std::byte>(1 << 20)); });
  }
  const auto thrown = save(run, 2, 2);
  EXPECT_NE(thrown[1].find("No space left on device"), std::string::npos) << thrown[1];
  EXPECT_EQ(thrown[0], thrown[1]);
  fs::remove(run / "filler");
  EXPECT_EQ(save(run, 2, 2), std::vector<std::string>(2));
}

TEST(CheckpointStore, AFolderThatCannotBeMadeFailsAllRanks) {
  const auto run = scratch_folder();
  write_file_durably(run / "checkpoints", "a file stands here");
  const auto thrown = save(run, 1, 2);
  EXPECT_NE(thrown[1].find("checkpoint of step 1: rank 0: "), std::string::npos) << thrown[1];
  EXPECT_EQ(thrown[0], thrown[1]);
}

TEST(CheckpointStore, ATensorOfTwoOwnersIsRefused) {
  const auto run = scratch_folder();
  const auto thrown = on_ranks(2, [&](comm::Communicator& world) {
    CheckpointStore(run).save(
        world, {.step = 1, .tensors = {{"model/a", at::full({1}, 1.0)}}, .metadata = {}}, 0);
  });
  EXPECT_EQ(thrown[1],
            "checkpoint of step 1: rank 0: tensor model/a is given by two ranks, in rank-0.h5 and "
            "rank-1.h5");
  EXPECT_TRUE(steps(run).empty());
}

TEST(CheckpointStore, AllRanksTakeRankZerosChoice) {
  const auto run = scratch_folder();
  for (std::int64_t step = 1; step <= 2; ++step) save(run, step);
  fs::remove(folder_of(run, 2) / "rank-0.h5");
  std::vector<std::string> chosen(3), said(3);
  on_ranks(3, [&](comm::Communicator& world) {
    const auto rank = static_cast<std::size_t>(world.rank());
    // Only rank 0's run folder exists: the others must not look for themselves.
    CheckpointStore store(rank == 0 ? run : run / "nowhere");
    const auto path =
        store.newest_valid(world, [&](const std::string& line) { said[rank] = line; });
    chosen[rank] = path.value_or("").string();
  });
  EXPECT_EQ(chosen, std::vector<std::string>(3, folder_of(run, 1)));
  EXPECT_NE(said[0], "");
  EXPECT_EQ(said[1], "");
}

TEST(CheckpointStore, PruningKeepsTheNewestValidAndNeverLessThanTwo) {
  const auto run = scratch_folder();
  for (std::int64_t step = 1; step <= 6; ++step) save(run, step);
  fs::remove(folder_of(run, 6) / "rank-0.h5");
  fs::remove(folder_of(run, 2) / "rank-0.h5");
  EXPECT_EQ(CheckpointStore(run).prune(3).size(), 2u);
  EXPECT_EQ(steps(run), (std::vector<std::int64_t>{6, 5, 4, 3}));
  EXPECT_EQ(CheckpointStore(run).prune(0).size(), 1u);
  EXPECT_EQ(steps(run), (std::vector<std::int64_t>{6, 5, 4}));
  fs::remove(folder_of(run, 5) / "rank-0.h5");
  EXPECT_TRUE(CheckpointStore(run).prune(1).empty());
}

TEST(CheckpointStore, SavingPrunes) {
  const auto run = scratch_folder();
  for (std::int64_t step = 1; step <= 5; ++step) save(run, step, 2, 2);
  EXPECT_EQ(steps(run), (std::vector<std::int64_t>{5, 4}));
}

TEST(CheckpointStore, AProcessKilledWhileSavingLeavesTheNewestValid) {
  const auto run = scratch_folder();
  save(run, 1);
  std::int64_t last = 1;
  for (int round = 0; round < 8; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto group = comm::make_thread_group(1);
      CheckpointStore store(run);
      for (std::int64_t step = last + 1;; ++step) {
        const at::Tensor tensor = at::full({50000}, static_cast<double>(step), at::kFloat);
        store.save(*group[0], {.step = step, .tensors = {{"w", tensor}}, .metadata = {}}, 2);
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + 17 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    std::string said;
    const std::int64_t found = newest(run, said);
    EXPECT_EQ(said, "");
    EXPECT_GE(found, last);
    last = found;
  }
  EXPECT_GT(last, 1);
}

TEST(FindCheckpoint, TakesACheckpointOrARun) {
  const auto run = scratch_folder();
  const auto quiet = [](const std::string&) {};
  EXPECT_NE(complaint([&] { find_checkpoint(run, quiet); }).find("is neither a checkpoint"),
            std::string::npos);
  save(run, 1);
  EXPECT_EQ(find_checkpoint(run, quiet), folder_of(run, 1));
  EXPECT_EQ(find_checkpoint(folder_of(run, 1), quiet), folder_of(run, 1));
  fs::remove(folder_of(run, 1) / "manifest.json");
  EXPECT_NE(complaint([&] { find_checkpoint(run, quiet); }).find("has no valid checkpoint"),
            std::string::npos);
}

}  // namespace
}  // namespace spillway::trainer
