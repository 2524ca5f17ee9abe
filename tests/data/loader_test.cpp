#include "data/loader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "data/corpus/hdf5_handle.hpp"
#include "data/tokens/byte_tokenizer.hpp"
#include "tests/data/corpus_samples.hpp"
#include "tests/data/temporary_folder.hpp"

namespace spillway::data {
namespace {

LoaderOptions options_for(const std::filesystem::path& corpus) {
  return {.corpus = corpus,
          .sequence_length = 37,
          .sequences_per_step = 6,
          .first = 0,
          .count = 6,
          .seed = 5,
          .validation_share = 0.1};
}

/// Puts an exclamation mark before samples with an even number of bytes; finds no place in others.
class MarkEven : public Operator {
 public:
  std::string_view name() const override { return "mark_even"; }
  Category category() const override { return Category::grammar; }
  std::string_view meaning() const override { return "for this test"; }
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override {
    if (sample.bytes.size() % 2 != 0) return std::nullopt;
    Sample mutant = sample;
    mutant.category = category();
    mutant.bytes = "!" + std::to_string(key.next()) + std::to_string(pool.size()) + sample.bytes;
    mutant.turns = {};
    return mutant;
  }
};

/// Replaces every sample by one it quotes.
class QuoteAnother : public Operator {
 public:
  std::string_view name() const override { return "quote_another"; }
  Category category() const override { return Category::contradiction; }
  std::string_view meaning() const override { return "for this test"; }
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override {
    Sample mutant = pool.get(key.below(pool.size()));
    quoted.insert(mutant.id);
    mutant.id = sample.id;
    mutant.category = category();
    return mutant;
  }
  mutable std::set<std::uint64_t> quoted;
};

/// Tokens of every sample of one epoch, put together again from the sequences' pieces.
std::map<std::uint64_t, std::vector<std::int32_t>> samples_of_epoch(const Packer& packer,
                                                                    std::int64_t length,
                                                                    std::uint64_t epoch) {
  std::map<std::uint64_t, std::vector<std::int32_t>> samples;
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(length)), targets(tokens.size());
  for (std::uint64_t g = 0; g < packer.groups_per_epoch(); ++g) {
    PackedGroup group = packer.group(epoch * packer.groups_per_epoch() + g);
    for (std::int64_t s = 0; s < group.sequences(); ++s) {
      for (const Piece& piece : group.fill(s, tokens, targets)) {
        auto& sample = samples[piece.id];
        sample.insert(sample.end(), tokens.begin() + piece.begin, tokens.begin() + piece.end);
      }
    }
  }
  return samples;
}

TEST(Packer, AnEpochHoldsEachTrainingSampleOnceAndWhole) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 333);
  const CorpusReader corpus(folder / "c");
  const Packer packer(corpus,
                      {.sequence_length = 37, .seed = 3, .validation_share = 0.1, .operators = {}});
  const Split split(333, 333, 0.1);
  for (const std::uint64_t epoch : {0, 1, 1000000}) {
    const auto samples = samples_of_epoch(packer, 37, epoch);
    std::uint64_t shortened = 0;
    for (std::uint64_t id = 0; id < 333; ++id) {
      ASSERT_EQ(samples.contains(id), !split.held_out(id)) << id;
      if (split.held_out(id)) continue;
      std::vector<std::int32_t> expected = encode(random_sample(id));
      // The very last token of a group is only ever a target when a sequence would begin with it.
      if (samples.at(id).size() + 1 == expected.size()) {
        expected.pop_back();
        ++shortened;
      }
      ASSERT_EQ(samples.at(id), expected) << id;
    }
    EXPECT_LE(shortened, packer.groups_per_epoch());
  }
}

TEST(Packer, ValidationHoldsExactlyTheHeldOutSamplesUnmutated) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 333);
  const CorpusReader corpus(folder / "c");
  const QuoteAnother quote;
  const Packer packer(corpus, {.sequence_length = 1000000,
                               .seed = 3,
                               .validation_share = 0.1,
                               .side = Packer::Side::validation,
                               .mutation_rate = 1,
                               .operators = {&quote}});
  const auto samples = samples_of_epoch(packer, 1000000, 0);
  EXPECT_EQ(samples.size(), 33u);
  const Split split(333, 333, 0.1);
  for (const auto& [id, tokens] : samples) {
    EXPECT_TRUE(split.held_out(id));
    EXPECT_EQ(tokens, encode(random_sample(id)));
  }
}

TEST(Packer, EpochsAndSeedsGiveOtherOrders) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 64);
  const CorpusReader corpus(folder / "c");
  std::set<std::vector<std::int32_t>> starts;
  for (const std::uint64_t seed : {1, 2}) {
    const Packer packer(corpus, {.sequence_length = 200, .seed = seed, .operators = {}});
    for (const std::uint64_t group : {0, 1, 2}) {
      std::vector<std::int32_t> tokens(200), targets(200);
      packer.group(group).fill(0, tokens, targets);
      starts.insert(tokens);
    }
  }
  EXPECT_EQ(starts.size(), 6u);
}

TEST(Packer, MutatesTheShareAskedForAndPassesOverOperatorsWithoutAPlace) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 3000, 1 << 20, 60);
  const CorpusReader corpus(folder / "c");
  const MarkEven mark;
  const QuoteAnother quote;
  const auto share = [&](const std::vector<const Operator*>& operators, Category category) {
    const Packer packer(corpus, {.sequence_length = 100,
                                 .seed = 3,
                                 .validation_share = 0.2,
                                 .mutation_rate = 0.3,
                                 .operators = operators});
    CategoryCounts counts{};
    for (std::uint64_t g = 0; g < packer.groups_per_epoch(); ++g) {
      const PackedGroup group = packer.group(g);
      for (std::int64_t s = 0; s < group.sequences(); ++s) group.count_samples(s, counts);
    }
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts) sum += count;
    EXPECT_EQ(sum, 2400u);
    return static_cast<double>(counts[static_cast<std::size_t>(category)]) / 2400;
  };
  EXPECT_NEAR(share({&mark}, Category::grammar), 0.15, 0.025);
  // Half of the samples offer a place to only one of the two: the other half makes up for it.
  EXPECT_NEAR(share({&mark, &quote}, Category::grammar), 0.148, 0.02);
  EXPECT_NEAR(share({&mark, &quote}, Category::contradiction), 0.152, 0.02);
  EXPECT_NEAR(share({&quote}, Category::contradiction), 0.3, 0.03);
  const Split split(3000, 3000, 0.2);
  EXPECT_GT(quote.quoted.size(), 500u);
  for (const std::uint64_t id : quote.quoted)
    EXPECT_FALSE(split.held_out(id)) << "held-out text quoted in training";
}

TEST(Packer, MutantsOfTheCorpusAreNotMutatedAgain) {
  const TemporaryFolder folder;
  CorpusWriter writer({.out = folder / "c", .base_count = 10});
  for (std::uint64_t i = 0; i < 20; ++i) {
    Sample sample = random_sample(i);
    sample.provenance.base_id = i % 10;
    if (i >= 10) sample.provenance.operator_name = "earlier";
    writer.append(sample);
  }
  writer.seal();
  const CorpusReader corpus(folder / "c");
  const QuoteAnother quote;
  const Packer packer(
      corpus, {.sequence_length = 100, .seed = 3, .mutation_rate = 1, .operators = {&quote}});
  CategoryCounts counts{};
  const PackedGroup group = packer.group(0);
  for (std::int64_t s = 0; s < group.sequences(); ++s) group.count_samples(s, counts);
  EXPECT_EQ(counts[static_cast<std::size_t>(Category::contradiction)], 10u);
}

TEST(Loader, TargetsAreTheNextTokensAndPaddingIsIgnored) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 100);
  LoaderOptions options = options_for(folder / "c");
  Loader loader(options);
  for (int step = 0; step < 40; ++step) {
    const Batch batch = loader.next();
    std::int64_t counted = 0;
    for (std::size_t row = 0; row < 6; ++row) {
      for (std::size_t i = 0; i < 37; ++i) {
        const std::int32_t target = batch.targets[row * 37 + i];
        counted += target != kIgnoredTarget;
        if (i + 1 < 37 && target != kIgnoredTarget) {
          ASSERT_EQ(target, batch.tokens[row * 37 + i + 1]);
        }
        const bool last_of_group =
            i + 1 < 37 && batch.tokens[row * 37 + i + 1] == id_of(ControlToken::padding);
        const bool padding = batch.tokens[row * 37 + i] == id_of(ControlToken::padding);
        if (padding || last_of_group) {
          ASSERT_EQ(target, kIgnoredTarget);
        }
      }
      EXPECT_EQ(batch.pieces[row].front().begin, 0u);
    }
    EXPECT_EQ(counted, batch.target_tokens_global);
  }
}

TEST(Loader, AnyNumberOfReplicasAndAnyPrefetchSeeTheSameGlobalBatches) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 150);
  const MarkEven mark;
  LoaderOptions options = options_for(folder / "c");
  options.mutation_rate = 0.5;
  options.operators = {&mark};
  std::vector<Batch> whole;
  Loader one(options);
  for (int step = 0; step < 60; ++step) whole.push_back(one.next());
  for (const std::int64_t replicas : {2, 3, 6}) {
    for (std::int64_t replica = 0; replica < replicas; ++replica) {
      options.count = 6 / replicas;
      options.first = replica * options.count;
      options.prefetch = replica + 1;
      Loader part(options);
      for (const Batch& expected : whole) {
        const Batch batch = part.next();
        ASSERT_EQ(batch.position, expected.position);
        ASSERT_EQ(batch.next_position, expected.next_position);
        ASSERT_EQ(batch.target_tokens_global, expected.target_tokens_global);
        ASSERT_EQ(batch.samples_global, expected.samples_global);
        const auto begin = expected.tokens.begin() + options.first * 37;
        ASSERT_TRUE(std::equal(batch.tokens.begin(), batch.tokens.end(), begin,
                               begin + options.count * 37));
      }
    }
  }
}

TEST(Loader, GoesOnExactlyWhereAPositionSays) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 70);
  const LoaderOptions options = options_for(folder / "c");
  Loader through(options);
  Batch batch = through.next();
  EXPECT_EQ(batch.position, 0);
  for (int step = 0; step < 50; ++step) {
    Loader resumed(options, batch.next_position);
    const Batch again = resumed.next();
    batch = through.next();
    ASSERT_EQ(again.position, batch.position);
    ASSERT_EQ(again.tokens, batch.tokens);
    ASSERT_EQ(again.targets, batch.targets);
  }
}

TEST(Loader, ResumesFarIntoARunAtOnce) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 70);
  const auto start = std::chrono::steady_clock::now();
  Loader loader(options_for(folder / "c"), std::int64_t{1} << 60);
  EXPECT_EQ(loader.next().position, std::int64_t{1} << 60);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(Loader, ABatchPreparedAheadIsNotWaitedFor) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 70);
  Loader loader(options_for(folder / "c"));
  double least = 1;  // of several, since the machine may be busy
  for (int step = 0; step < 5; ++step) {
    loader.next();
    if (step > 0) least = std::min(least, loader.wait_seconds());
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  }
  EXPECT_LT(least, 0.01);
}

TEST(Loader, EndsItsThreadWhetherOrNotABatchWasTaken) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 70);
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  const auto before = threads();
  for (int k = 0; k < 30; ++k) {
    Loader loader(options_for(folder / "c"));
    if (k % 2 == 0) loader.next();
  }
  EXPECT_EQ(threads(), before);
}

TEST(Loader, NamesShardAndSampleWhenOneIsDamaged) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 70);
  const auto shard = folder / "c/shard-00000.h5";
  std::uint64_t at = Hdf5File::open(shard).describe("data/bytes").offset;
  for (std::uint64_t id = 0; id < 7; ++id) at += random_sample(id).bytes.size();
  {
    std::fstream file(shard, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(random_sample(7).bytes[0] ^ 1));
  }
  LoaderOptions options = options_for(folder / "c");
  options.validation_share = 0;
  Loader loader(options);
  const std::string message = complaint_of([&] {
    for (int step = 0; step < 1000; ++step) loader.next();
  });
  EXPECT_NE(message.find("shard-00000.h5, sample 7: checksum does not match"), std::string::npos)
      << message;
  EXPECT_NE(complaint_of([&] { loader.next(); }), "");
}

TEST(Loader, OptionsAndPositionsOutOfRangeAreRefused) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 70);
  LoaderOptions options = options_for(folder / "c");
  options.first = 4;
  EXPECT_NE(complaint_of([&] { Loader loader(options); }).find("sequences [4, 10) of 6 a step"),
            std::string::npos);
  options = options_for(folder / "c");
  EXPECT_NE(complaint_of([&] {
              Loader(options, 5000).next();
            }).find("it comes from another corpus, seed or sequence length"),
            std::string::npos);
  options.mutation_rate = 0.1;
  EXPECT_NE(complaint_of([&] { Loader loader(options); }).find("without an operator"),
            std::string::npos);
  options = options_for(folder / "c");
  options.side = Packer::Side::validation;
  options.validation_share = 0;
  EXPECT_NE(complaint_of([&] { Loader loader(options); }).find("no sample is held out"),
            std::string::npos);
  options.corpus = folder / "none";
  EXPECT_NE(complaint_of([&] { Loader loader(options); }).find("no such folder"),
            std::string::npos);
}

}  // namespace
}  // namespace spillway::data
