#include "data/corpus/corpus_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "data/corpus/checksum.hpp"
#include "data/corpus/hdf5_handle.hpp"
#include "tests/data/corpus_samples.hpp"
#include "tests/data/temporary_folder.hpp"

namespace spillway::data {
namespace {

void expect_equal(const Sample& given, const Sample& expected) {
  EXPECT_EQ(given.bytes, expected.bytes);
  EXPECT_EQ(given.category, expected.category);
  EXPECT_EQ(given.language, expected.language);
  EXPECT_EQ(given.origin, expected.origin);
  ASSERT_EQ(given.turns.size(), expected.turns.size());
  for (std::size_t i = 0; i < given.turns.size(); ++i) {
    EXPECT_EQ(given.turns[i].begin, expected.turns[i].begin);
    EXPECT_EQ(given.turns[i].end, expected.turns[i].end);
    EXPECT_EQ(given.turns[i].role, expected.turns[i].role);
  }
  EXPECT_EQ(given.provenance.operator_name, expected.provenance.operator_name);
  EXPECT_EQ(given.provenance.key, expected.provenance.key);
  EXPECT_EQ(given.provenance.label_effect, expected.provenance.label_effect);
  ASSERT_EQ(given.provenance.edits.edits.size(), expected.provenance.edits.edits.size());
  for (std::size_t i = 0; i < given.provenance.edits.edits.size(); ++i) {
    const Edit& a = given.provenance.edits.edits[i];
    const Edit& b = expected.provenance.edits.edits[i];
    EXPECT_TRUE(a.mutant_begin == b.mutant_begin && a.mutant_length == b.mutant_length &&
                a.original == b.original);
  }
}

void flip_byte(const std::filesystem::path& path, std::uint64_t at) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<char>(file.get() ^ 1);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

/// Where the bytes of a dataset lie.
std::uint64_t offset_of(const std::filesystem::path& shard, const std::string& name) {
  return Hdf5File::open(shard).describe(name).offset;
}

TEST(CorpusReader, GivesBackEveryPartOfEverySampleOverManyShards) {
  const TemporaryFolder folder;
  const Manifest manifest = build_random_corpus(folder / "c", 500, 4000);
  EXPECT_GT(manifest.shards.size(), 10u);
  const CorpusReader reader(folder / "c");
  ASSERT_EQ(reader.size(), 500u);
  for (std::uint64_t id = 0; id < 500; ++id) {
    SCOPED_TRACE(id);
    const Sample sample = reader.get(id);
    expect_equal(sample, random_sample(id));
    EXPECT_EQ(sample.id, id);
    EXPECT_EQ(sample.provenance.base_id, id);
    const SampleView view = reader.view(id);
    EXPECT_EQ(view.bytes, sample.bytes);
    EXPECT_EQ(view.turns.size(), sample.turns.size());
  }
  EXPECT_NE(complaint_of([&] { reader.get(500); }).find("no sample 500; valid: 0 to 499"),
            std::string::npos);
}

TEST(CorpusReader, ServesManyThreadsAtATime) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 300, 4000);
  const CorpusReader reader(folder / "c");
  std::vector<std::uint64_t> sums(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < sums.size(); ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 300; ++i)
        sums[t] += checksum(reader.get((i * 7 + 50 * t) % 300).bytes);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t expected = 0;
  for (std::uint64_t id = 0; id < 300; ++id) expected += checksum(random_sample(id).bytes);
  EXPECT_EQ(sums, std::vector<std::uint64_t>(4, expected));
}

TEST(CorpusWriter, EqualSamplesGiveEqualFiles) {
  const TemporaryFolder folder;
  const Manifest a = build_random_corpus(folder / "a", 100),
                 b = build_random_corpus(folder / "b", 100);
  EXPECT_EQ(a.shards[0].file_hash, b.shards[0].file_hash);
  EXPECT_EQ(a.root, b.root);
  EXPECT_NE(a.root, build_random_corpus(folder / "c", 99).root);
}

TEST(CorpusWriter, TheManifestCountsWhatWasWritten) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 300, 4000);
  const Manifest manifest = read_manifest(folder / "c");
  std::uint64_t bytes = 0, dialogues = 0;
  for (std::uint64_t id = 0; id < 300; ++id) {
    bytes += random_sample(id).bytes.size();
    dialogues += random_sample(id).category == Category::dialogue;
  }
  EXPECT_EQ(manifest.name, "c");
  EXPECT_EQ(manifest.bytes, bytes);
  EXPECT_EQ(manifest.base_count, 300u);
  EXPECT_EQ(manifest.categories.at("dialogue"), dialogues);
  EXPECT_EQ(manifest.languages.at("zh"), 75u);
}

TEST(CorpusWriter, MutantsMustStandWhereTheirBaseSays) {
  const TemporaryFolder folder;
  CorpusWriter writer({.out = folder / "c", .base_count = 2});
  Sample sample = random_sample(1);
  for (const std::uint64_t base : {0, 1, 0}) {
    sample.provenance.base_id = base;
    writer.append(sample);
  }
  EXPECT_NE(complaint_of([&] {
              writer.append(sample);
            }).find("sample 3 descends from 0; by its place it must descend from 1"),
            std::string::npos);
}

TEST(CorpusWriter, WithoutSealNothingIsPublished) {
  const TemporaryFolder folder;
  {
    CorpusWriter writer({.out = folder / "c", .shard_bytes = 100});
    for (std::uint64_t i = 0; i < 10; ++i) writer.append(random_sample(i));
    EXPECT_NE(
        complaint_of([&] { CorpusReader reader(folder / "c"); }).find("is an unfinished build"),
        std::string::npos);
    EXPECT_NE(complaint_of([&] {
                CorpusWriter second({.out = folder / "c"});
              }).find("another process is writing it"),
              std::string::npos);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(CorpusWriter, LeftoversOfAKilledBuildAreCleared) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "c.tmp");
  std::ofstream(folder / "c.tmp/shard-00007.h5.tmp") << "half";
  build_random_corpus(folder / "c", 10);
  EXPECT_FALSE(std::filesystem::exists(folder / "c/shard-00007.h5.tmp"));
  EXPECT_FALSE(std::filesystem::exists(folder / "c.tmp"));
}

TEST(CorpusWriter, AnExistingFolderIsReplacedOnlyWhenAskedAndACorpus) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 10);
  EXPECT_NE(complaint_of([&] {
              CorpusWriter writer({.out = folder / "c"});
            }).find("already exists; --replace"),
            std::string::npos);
  CorpusWriter writer({.out = folder / "c", .replace = true});
  writer.append(random_sample(3));
  writer.seal();
  EXPECT_EQ(CorpusReader(folder / "c").size(), 1u);
  std::filesystem::create_directories(folder / "other");
  std::ofstream(folder / "other/precious") << "x";
  EXPECT_NE(complaint_of([&] {
              CorpusWriter w({.out = folder / "other", .replace = true});
            }).find("is not a corpus"),
            std::string::npos);
}

TEST(CorpusWriter, BadTurnsAndAnEmptyCorpusAreRefused) {
  const TemporaryFolder folder;
  CorpusWriter writer({.out = folder / "c"});
  EXPECT_NE(complaint_of([&] { writer.seal(); }).find("no sample was given"), std::string::npos);
  Sample sample = random_sample(3);
  sample.turns = {{0, 2, "user"}, {1, 3, "user"}};
  EXPECT_NE(complaint_of([&] { writer.append(sample); }).find("turn [1, 3) does not follow byte 2"),
            std::string::npos);
}

TEST(Verify, FindsAFlipOfAnyByteOfTheShard) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 6, 1 << 20, 40);
  ASSERT_TRUE(verify(folder / "c").empty());
  const auto shard = folder / "c/shard-00000.h5";
  const std::uint64_t size = std::filesystem::file_size(shard);
  std::uint64_t named = 0;
  for (std::uint64_t at = 0; at < size; at += 7) {
    flip_byte(shard, at);
    const std::vector<Damage> found = verify(folder / "c");
    ASSERT_FALSE(found.empty()) << "byte " << at;
    EXPECT_NE(found[0].what.find("shard-00000.h5"), std::string::npos);
    named += found[0].what.find("sample ") != std::string::npos;
    flip_byte(shard, at);
  }
  EXPECT_GT(named, 0u);
  EXPECT_TRUE(verify(folder / "c").empty());
}

TEST(CorpusReader, ChecksEveryColumnOfASample) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 31);
  const auto shard = folder / "c/shard-00000.h5";
  for (const char* group : {"data", "dialogue", "provenance"}) {
    for (const std::string& name : Hdf5File::open(shard).children(group)) {
      const DatasetInfo info = Hdf5File::open(shard).describe(group + ("/" + name));
      const std::uint64_t middle = info.offset + info.bytes / 2;
      flip_byte(shard, middle);
      const CorpusReader reader(folder / "c");
      const std::string message = complaint_of([&] {
        for (std::uint64_t id = 0; id < 31; ++id) reader.get(id);
      });
      EXPECT_NE(message.find("shard-00000.h5, sample "), std::string::npos) << group << "/" << name;
      flip_byte(shard, middle);
    }
  }
}

TEST(Verify, NamesTheSampleWhoseTextChanged) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 50);
  std::uint64_t before = 0;
  for (std::uint64_t id = 0; id < 20; ++id) before += random_sample(id).bytes.size();
  const auto shard = folder / "c/shard-00000.h5";
  flip_byte(shard, offset_of(shard, "data/bytes") + before);
  const std::vector<Damage> found = verify(folder / "c");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].what.find("shard-00000.h5, sample 20: checksum does not match"),
            std::string::npos)
      << found[0].what;
  const CorpusReader reader(folder / "c");
  EXPECT_NE(complaint_of([&] { reader.view(20); }).find("sample 20"), std::string::npos);
  EXPECT_EQ(complaint_of([&] { reader.get(19), reader.get(21); }), "");
}

TEST(Verify, FindsAChangedManifestAndMissingOrTruncatedShards) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 60, 4000);
  std::filesystem::resize_file(folder / "c/shard-00000.h5", 5000);
  std::filesystem::remove(folder / "c/shard-00001.h5");
  const std::vector<Damage> found = verify(folder / "c");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NE(found[0].what.find("truncated file"), std::string::npos) << found[0].what;
  EXPECT_NE(found[1].what.find("shard-00001.h5: cannot be read (No such file"), std::string::npos)
      << found[1].what;
  EXPECT_NE(complaint_of([&] { CorpusReader reader(folder / "c"); }).find("shard-00000.h5"),
            std::string::npos);
  for (const std::uint64_t at : {1, 100, 300}) {
    flip_byte(folder / "c/manifest.json", at);
    EXPECT_NE(complaint_of([&] { verify(folder / "c"); }).find("manifest.json"), std::string::npos)
        << at;
    flip_byte(folder / "c/manifest.json", at);
  }
  EXPECT_EQ(verify(folder / "c").size(), 2u);
}

TEST(ShardReader, RefusesAShardThatWasNotSealed) {
  const TemporaryFolder folder;
  build_random_corpus(folder / "c", 5);
  EXPECT_NE(complaint_of([&] {
              ShardReader shard(folder / "c/shard-00000.h5", 0, ShardReader::Expect::unsealed);
            }),
            "");
}

}  // namespace
}  // namespace spillway::data
