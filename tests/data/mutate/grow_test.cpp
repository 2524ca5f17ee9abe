#include "data/mutate/grow.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include "configs/error.hpp"
#include "data/corpus/corpus_reader.hpp"
#include "data/corpus/corpus_writer.hpp"
#include "data/order/split.hpp"
#include "tests/data/mutate/samples.hpp"

namespace spillway::data {
namespace {

namespace fs = std::filesystem;

void no_progress(std::uint64_t, std::uint64_t) {}

std::string content(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class GrowCorpus : public testing::Test {
 protected:
  GrowCorpus() {
    static int next = 0;
    const std::string name =
        "spillway-grow-" + std::to_string(getpid()) + "-" + std::to_string(next++);
    folder_ = fs::temp_directory_path() / name;
    fs::create_directories(folder_);
    CorpusWriter writer({.out = folder_ / "base"});
    RandomKey key(1);
    for (int round = 0; round < 12; ++round) {
      for (const Sample& sample : prose()) {
        Sample varied = sample;
        if (sample.turns.empty())
          varied.bytes += " Line " + std::to_string(key.below(1000000)) + ".";
        writer.append(varied);
      }
    }
    writer.seal();
  }
  ~GrowCorpus() override { fs::remove_all(folder_); }

  GrowOptions options(const std::string& out, std::uint64_t samples) const {
    GrowOptions options;
    options.in = folder_ / "base";
    options.out = folder_ / out;
    options.samples = samples;
    return options;
  }

  fs::path folder_;
};

TEST_F(GrowCorpus, GivesBaseSamplesFirstAndMutantsThatGiveThemBack) {
  const GrowReport report = grow_corpus(options("grown", 1000), no_progress);
  EXPECT_TRUE(verify(folder_ / "grown").empty());
  const CorpusReader base(folder_ / "base"), grown(folder_ / "grown");
  ASSERT_EQ(grown.size(), 1000U);
  ASSERT_EQ(grown.base_count(), 96U);
  EXPECT_EQ(grown.manifest().parent, "base");
  EXPECT_EQ(grown.manifest().parent_root, base.manifest().root);
  std::uint64_t unmutated = 0;
  for (std::uint64_t id = 0; id < grown.size(); ++id) {
    const Sample sample = grown.get(id), original = base.get(id % 96);
    EXPECT_EQ(sample.provenance.base_id, id % 96);
    ASSERT_EQ(undo(sample.bytes, sample.provenance.edits), original.bytes);
    EXPECT_EQ(sample.origin, original.origin);
    EXPECT_EQ(id >= 96 || sample.bytes == original.bytes, true);
    EXPECT_EQ(id >= 96 || sample.category == original.category, true);
    unmutated += id >= 96 && sample.provenance.operator_name.empty();
  }
  EXPECT_EQ(report.unmutated, unmutated);
  EXPECT_EQ(report.written_samples, 1000U);
  EXPECT_FALSE(fs::exists(folder_ / "grown.tmp"));
  EXPECT_FALSE(fs::exists(folder_ / "grown" / "plan.txt"));
}

TEST_F(GrowCorpus, AMutantCanBeMadeAgainFromItsProvenance) {
  grow_corpus(options("grown", 400), no_progress);
  const CorpusReader base(folder_ / "base"), grown(folder_ / "grown");
  const TrainingPool quotes(base, base.base_count(), 0.5);
  for (std::uint64_t id = 96; id < grown.size(); ++id) {
    const Sample sample = grown.get(id);
    if (sample.provenance.operator_name.empty()) continue;
    EXPECT_EQ(sample.provenance.key, RandomKey(1).split(id).value());
    const auto again = find_operator(sample.provenance.operator_name)
                           .apply(base.get(id % 96), RandomKey(sample.provenance.key), quotes);
    ASSERT_TRUE(again);
    ASSERT_EQ(again->bytes, sample.bytes);
  }
}

TEST_F(GrowCorpus, GivesTheSameFilesForAnyNumberOfThreads) {
  GrowOptions one = options("one", 3000), three = options("three", 3000);
  three.threads = 3;
  const Manifest first = grow_corpus(one, no_progress).manifest,
                 second = grow_corpus(three, no_progress).manifest;
  ASSERT_GT(first.shards.size(), 3U);
  EXPECT_EQ(first.root, second.root);
  for (const ShardEntry& shard : first.shards) {
    EXPECT_EQ(content(folder_ / "one" / shard.file), content(folder_ / "three" / shard.file));
  }
  GrowOptions other = options("other", 3000);
  other.seed = 2;
  EXPECT_NE(grow_corpus(other, no_progress).manifest.root, first.root);
}

TEST_F(GrowCorpus, BalancesCategoriesAndKeepsLongContextsToTheirShare) {
  const Manifest manifest = grow_corpus(options("grown", 96 + 4900), no_progress).manifest;
  const auto count = [&](const char* name) {
    return static_cast<double>(manifest.categories.at(name));
  };
  EXPECT_NEAR(count("long_context"), 0.02 * 4900, 50);
  for (const char* name : {"mutated_dialogue", "special_characters", "concurrency", "grammar",
                           "ambiguity", "contradiction"}) {
    EXPECT_GT(count(name), 0.10 * 4900) << name;
    EXPECT_LT(count(name), 0.24 * 4900) << name;
  }
}

TEST_F(GrowCorpus, TakesUpWhatAKilledCallLeft) {
  const Manifest whole = grow_corpus(options("whole", 30000), no_progress).manifest;
  const pid_t child = fork();
  if (child == 0) {
    grow_corpus(options("killed", 30000), no_progress);
    _exit(0);
  }
  while (!fs::exists(folder_ / "killed.tmp" / "shard-00001.json") &&
         !fs::exists(folder_ / "killed")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_FALSE(fs::exists(folder_ / "killed"));
  const GrowReport report = grow_corpus(options("killed", 30000), no_progress);
  EXPECT_GE(report.kept_shards, 2U);
  EXPECT_LT(report.written_samples, 30000U);
  EXPECT_EQ(report.manifest.root, whole.root);
  EXPECT_EQ(report.manifest.operators, whole.operators);
  EXPECT_EQ(report.manifest.bytes, whole.bytes);
  EXPECT_TRUE(verify(folder_ / "killed").empty());
}

TEST_F(GrowCorpus, MakesADamagedShardAgainAndDropsWhatAnotherPlanLeft) {
  const Manifest whole = grow_corpus(options("whole", 1000), no_progress).manifest;
  fs::create_directories(folder_ / "next.tmp");
  std::ofstream(folder_ / "next.tmp" / "shard-00000.json") << "not a note";
  std::ofstream(folder_ / "next.tmp" / "shard-00000.h5") << "not a shard";
  const GrowReport report = grow_corpus(options("next", 1000), no_progress);
  EXPECT_EQ(report.kept_shards, 0U);
  EXPECT_EQ(report.manifest.root, whole.root);
}

TEST_F(GrowCorpus, KeepsToTheSelectedOperators) {
  GrowOptions only = options("only", 500);
  only.operators = "grammar,toggle_negation";
  const Manifest manifest = grow_corpus(only, no_progress).manifest;
  for (const auto& [name, count] : manifest.operators) {
    const Operator& op = find_operator(name);
    EXPECT_TRUE(op.category() == Category::grammar || name == "toggle_negation") << name;
  }
  GrowOptions long_only = options("long", 300);
  long_only.operators = "long_context";
  EXPECT_EQ(grow_corpus(long_only, no_progress).manifest.categories.at("long_context"), 300U - 96U);
}

TEST_F(GrowCorpus, RefusesWhatCannotBeGrown) {
  grow_corpus(options("grown", 200), no_progress);
  const auto expect_refused = [&](GrowOptions bad, const std::string& part) {
    try {
      grow_corpus(bad, no_progress);
      FAIL() << "not refused: " << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  expect_refused(options("grown", 200), "already exists");
  GrowOptions again = options("again", 200);
  again.in = folder_ / "grown";
  expect_refused(again, "itself grown");
  GrowOptions share = options("share", 200);
  share.long_context_share = 1.5;
  expect_refused(share, "0 to 1");
  GrowOptions names = options("names", 200);
  names.operators = "grammer";
  expect_refused(names, "grammar");
  GrowOptions missing = options("missing", 200);
  missing.in = folder_ / "nowhere";
  expect_refused(missing, "no such folder");
  expect_refused(options("none", 0), "--samples");
  GrowOptions replaced = options("grown", 300);
  replaced.replace = true;
  EXPECT_EQ(grow_corpus(replaced, no_progress).manifest.samples, 300U);
}

}  // namespace
}  // namespace spillway::data
