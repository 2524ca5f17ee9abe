#include "data/source/source.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>

#include "data/corpus/corpus_reader.hpp"
#include "data/source/build.hpp"
#include "data/source/language.hpp"
#include "data/source/utf8.hpp"
#include "tests/data/temporary_folder.hpp"

namespace spillway::data {
namespace {

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  if (path.extension() == ".gz") {
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    gzclose(file);
  } else {
    std::ofstream(path, std::ios::binary) << text;
  }
}

std::vector<Sample> samples_of(const std::filesystem::path& root, LeftOut& left_out,
                               const SourceOptions& options = {}) {
  std::vector<Sample> samples;
  std::uint64_t skipped = 0;
  for (const SourceFile& file : find_sources({root}, skipped)) {
    read_source(
        file, options, [&](Sample sample) { samples.push_back(std::move(sample)); }, left_out);
  }
  if (skipped > 0) left_out["skipped"] = skipped;
  return samples;
}

TEST(Source, FoldersAreReadInTheOrderOfPathsAndUnpacked) {
  const TemporaryFolder folder;
  write_file(folder / "docs/b.rst.gz",
             "\xef\xbb\xbfSecond paragraph here.\r\n\r\nThird paragraph here.\r\n");
  write_file(folder / "docs/a/x.txt", "First paragraph here.\n");
  write_file(folder / "docs/picture.png", "not text");
  LeftOut left_out;
  const std::vector<Sample> samples = samples_of(folder / "docs", left_out);
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(samples[0].bytes, "First paragraph here.");
  EXPECT_EQ(samples[0].origin, "a/x.txt:1");
  EXPECT_EQ(samples[1].bytes, "Second paragraph here.");
  EXPECT_EQ(samples[2].origin, "b.rst.gz:3");
  EXPECT_EQ(left_out["skipped"], 1u);
}

TEST(Source, TextThatIsNotUtf8IsLeftOutAndCounted) {
  const TemporaryFolder folder;
  write_file(folder / "a.txt", "Gr\xfc\xdf Gott zusammen alle.\n\n" +
                                   std::string("with a zero \0 byte in it", 24) +
                                   "\n\nGood paragraph here.\n");
  LeftOut left_out;
  EXPECT_EQ(samples_of(folder.path(), left_out).size(), 1u);
  EXPECT_EQ(left_out["not UTF-8 text"], 2u);
}

TEST(Source, JsonLinesGiveTurnsJoinedByNewlines) {
  const TemporaryFolder folder;
  write_file(folder / "a.jsonl",
             "{\"turns\":[{\"role\":\"user\",\"text\":\"Hi\"},{\"role\":\"assistant\",\"text\":"
             "\"\"},{\"role\":\"system\",\"text\":\"x\\ny\"}]}\n"
             "\n{\"messages\":[{\"role\":\"human\",\"content\":\"你好吗\"},{\"role\":\"gpt\","
             "\"content\":\"好\"}]}");
  LeftOut left_out;
  const std::vector<Sample> samples = samples_of(folder.path(), left_out);
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].bytes, "Hi\n\nx\ny");
  EXPECT_EQ(samples[0].category, Category::dialogue);
  ASSERT_EQ(samples[0].turns.size(), 3u);
  EXPECT_EQ(samples[0].turns[2].begin, 4u);
  EXPECT_EQ(samples[0].turns[2].end, 7u);
  EXPECT_EQ(samples[0].turns[2].role, "system");
  EXPECT_EQ(samples[1].language, "zh");
  EXPECT_EQ(samples[1].origin, "a.jsonl:3");
  EXPECT_EQ(samples[1].turns[1].role, "assistant");
}

TEST(Source, DamagedJsonLinesNameFileAndLine) {
  const TemporaryFolder folder;
  LeftOut left_out;
  const std::string good = "{\"turns\":[{\"role\":\"user\",\"text\":\"Hi\"}]}\n";
  for (const std::string bad :
       {"{\"turns\":[", "[]", "{}", "{\"turns\":[]}",
        "{\"turns\":[{\"role\":\"usr\",\"text\":\"a\"}]}",
        "{\"turns\":[{\"role\":\"user\",\"text\":1}]}",
        "{\"turns\":[{\"role\":\"user\",\"text\":\"\xff\"}]}", "{\"turns\":[3]}"}) {
    write_file(folder / "a.jsonl", good + bad + "\n");
    const std::string message = complaint_of([&] { samples_of(folder.path(), left_out); });
    EXPECT_NE(message.find("a.jsonl:2: not a dialogue"), std::string::npos)
        << bad << " gives " << message;
  }
}

TEST(Source, YamlConversationsAlternateBetweenUserAndAssistant) {
  const TemporaryFolder folder;
  write_file(folder / "chinese/a.yml",
             "categories:\n- AI\nconversations:\n- - 什么是ai\n  - 工程\n  - 42\n- - alone\n- - "
             "a\n  - [b]\n");
  write_file(folder / "bindings.yaml", "properties:\n  reg: 1\n");
  LeftOut left_out;
  const std::vector<Sample> samples = samples_of(folder.path(), left_out);
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples[0].bytes, "什么是ai\n工程\n42");
  EXPECT_EQ(samples[0].turns[2].role, "user");
  EXPECT_EQ(samples[0].language, "zh");
  EXPECT_EQ(samples[0].origin, "chinese/a.yml:4");
  EXPECT_EQ(left_out["conversations of fewer than two plain utterances"], 2u);
  EXPECT_EQ(left_out["YAML without conversations (files)"], 1u);
}

TEST(Source, NamedFilesAreNotPassedOverInSilence) {
  const TemporaryFolder folder;
  LeftOut left_out;
  write_file(folder / "a.yaml", "properties: 1\n");
  EXPECT_NE(
      complaint_of([&] { samples_of(folder / "a.yaml", left_out); }).find("holds no dialogues"),
      std::string::npos);
  write_file(folder / "b.yaml", "conversations: [\n");
  EXPECT_NE(
      complaint_of([&] { samples_of(folder / "b.yaml", left_out); }).find("b.yaml:2: not YAML"),
      std::string::npos);
  write_file(folder / "c.pdf", "x");
  EXPECT_NE(complaint_of([&] {
              samples_of(folder / "c.pdf", left_out);
            }).find("unknown extension; valid: .txt"),
            std::string::npos);
  EXPECT_NE(
      complaint_of([&] { samples_of(folder / "none", left_out); }).find("no such file or folder"),
      std::string::npos);
  write_file(folder / "d.txt.gz", std::string(1000, 'x'));
  std::filesystem::resize_file(folder / "d.txt.gz",
                               std::filesystem::file_size(folder / "d.txt.gz") - 8);
  EXPECT_NE(
      complaint_of([&] { samples_of(folder / "d.txt.gz", left_out); }).find("cannot be unpacked"),
      std::string::npos);
}

TEST(Language, PathAndScriptAgree) {
  EXPECT_EQ(language_of_path("Documentation/translations/zh_CN/process/a.rst"), "zh");
  EXPECT_EQ(language_of_path("translations/sp_SP/a.rst"), "es");
  EXPECT_EQ(language_of_path("data/italian/ai.yml"), "it");
  EXPECT_EQ(language_of_path("docs/chinese"), "");
  EXPECT_EQ(language_of("MIT licence", "zh"), "en");
  EXPECT_EQ(language_of("内核 kernel", "zh"), "zh");
  EXPECT_EQ(language_of("Per favore", "it"), "it");
  EXPECT_EQ(language_of("这是 a 内核文档", ""), "zh");
  EXPECT_EQ(language_of("one 字 in English text", ""), "en");
  EXPECT_EQ(language_of("これは日本語です", ""), "ja");
  EXPECT_EQ(language_of("안녕하세요", ""), "ko");
  EXPECT_EQ(language_of("123", ""), "en");
}

TEST(Utf8, MalformedSequencesAreFound) {
  for (const char* good : {"a", "é", "鸟", "🐦", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xe9\xb8", "\xff", "\xf0\x82\x82\xac"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
  EXPECT_EQ(boundary_before("鸟鸟", 5), 3u);
  EXPECT_EQ(boundary_before("ab", 1), 1u);
}

TEST(BuildCorpus, LeavesOutDuplicatesUnlessToldOtherwise) {
  const TemporaryFolder folder;
  write_file(folder / "in/a.txt",
             "The same paragraph.\n\nAnother paragraph.\n\nThe same paragraph.\n");
  const auto progress = [](std::uint64_t, std::uint64_t, std::uint64_t) {};
  BuildOptions options{.from = {folder / "in"}, .source = {}, .writer = {.out = folder / "c"}};
  const BuildReport report = build_corpus(options, progress);
  EXPECT_EQ(report.manifest.samples, 2u);
  EXPECT_EQ(report.left_out.at("duplicates"), 1u);
  EXPECT_EQ(CorpusReader(folder / "c").get(1).bytes, "Another paragraph.");
  options.writer.out = folder / "d";
  options.keep_duplicates = true;
  EXPECT_EQ(build_corpus(options, progress).manifest.samples, 3u);
}

TEST(BuildCorpus, PublishesNothingWhenASourceIsDamaged) {
  const TemporaryFolder folder;
  write_file(folder / "in/a.txt", "A good paragraph.\n");
  write_file(folder / "in/b.jsonl", "{\n");
  const BuildOptions options{
      .from = {folder / "in"}, .source = {}, .writer = {.out = folder / "c"}};
  EXPECT_NE(complaint_of([&] {
              build_corpus(options, [](std::uint64_t, std::uint64_t, std::uint64_t) {});
            }).find("b.jsonl:1"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "c"));
  EXPECT_FALSE(std::filesystem::exists(folder / "c.tmp"));
}

}  // namespace
}  // namespace spillway::data
