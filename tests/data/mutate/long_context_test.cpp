#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <regex>
#include <set>

#include "data/mutate/haystack.hpp"
#include "tests/data/mutate/samples.hpp"

namespace spillway::data {
namespace {

const MemoryPool& pool() {
  static const MemoryPool kPool(prose());
  return kPool;
}

template <class Check>
void for_mutants(std::string_view name, const Check& check) {
  for (std::size_t i = 0; i < prose().size(); ++i) {
    Sample sample = prose()[i];
    sample.id = i;
    for (std::uint64_t draw = 0; draw < 12; ++draw) {
      const auto mutant = find_operator(name).apply(sample, RandomKey(draw), pool());
      ASSERT_TRUE(mutant) << name << " on " << sample.bytes;
      check(sample, *mutant);
    }
  }
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

/// The question, its subject, and the answer at the end of a mutant; works for texts and dialogues,
/// English and Chinese.
struct Asked {
  std::string body, place, answer;
};
Asked asked(const Sample& mutant) {
  static const std::regex kEnglish(
      "(?:\n\nQuestion: |\n)What is the (?:access code of the|value of) ([^?]+)\\?\n(?:Answer: "
      ")?([0-9]+)$");
  static const std::regex kChinese(
      "(?:\n\n问：|\n)([^\n]+?)的(?:门禁码|值)是多少？\n(?:答：)?([0-9]+)$");
  std::smatch match;
  const bool found =
      std::regex_search(mutant.bytes, match, mutant.language == "zh" ? kChinese : kEnglish);
  EXPECT_TRUE(found) << mutant.bytes.substr(mutant.bytes.size() - 200);
  if (!found) return {};
  return {mutant.bytes.substr(0, static_cast<std::size_t>(match.position(0))), match[1], match[2]};
}

TEST(LongContext, EveryMutantHas4096BytesAndMoreAndKeepsTheBaseInOrder) {
  for (const Operator* op : select_operators("long_context")) {
    for_mutants(op->name(), [&](const Sample& sample, const Sample& mutant) {
      EXPECT_GE(mutant.bytes.size(), kLongContextBytes) << op->name();
      EXPECT_LE(mutant.bytes.size(), kLongContextBytes + 2048 + 512 + 600 + sample.bytes.size())
          << op->name();
      for (const Edit& edit : mutant.provenance.edits.edits)
        EXPECT_TRUE(edit.original.empty()) << "only insertions";
    });
  }
}

TEST(LongContext, TheNeedleIsThereOnceAtATenthOfTheDepth) {
  std::set<long> tenths;
  for_mutants("needle_at_depth", [&](const Sample& sample, const Sample& mutant) {
    const auto [body, place, answer] = asked(mutant);
    const std::string needle = sample.language == "zh"
                                   ? place + "的门禁码是" + answer + "。"
                                   : "The access code of the " + place + " is " + answer + ".";
    ASSERT_EQ(count(body, needle), 1U);
    if (!sample.turns.empty()) return;  // there, depth is within the pasted document
    const double depth = 10.0 * static_cast<double>(body.find(needle)) /
                         static_cast<double>(body.size() - needle.size());
    EXPECT_NEAR(depth, std::round(depth), 0.12) << "moved by more than 1 %";
    tenths.insert(std::lround(depth));
  });
  EXPECT_GE(tenths.size(), 7U);
}

TEST(LongContext, PaddingReachesTheLengthWithinOnePercent) {
  const Sample small = text("One short base.");
  for (std::uint64_t draw = 0; draw < 30; ++draw) {
    for (const std::size_t length : {std::size_t{4096}, std::size_t{5000}, std::size_t{6143}}) {
      RandomKey key(draw);
      const Haystack haystack(small, pool(), length, key);
      EXPECT_GE(haystack.text().size(), length);
      EXPECT_LE(haystack.text().size(), length + length / 100);
    }
  }
}

TEST(LongContext, ConfusableNeedlesDifferInOneWordAndHaveOneAnswer) {
  for_mutants("confusable_needles", [](const Sample& sample, const Sample& mutant) {
    const auto [body, place, answer] = asked(mutant);
    const bool chinese = sample.language == "zh";
    EXPECT_EQ(count(body, (chinese ? place + "的门禁码是" : "the " + place + " is ")), 1U);
    EXPECT_EQ(count(body, (chinese ? place + "的门禁码是" : place + " is ") + answer), 1U);
    EXPECT_GE(count(body, chinese ? "的门禁码是" : "The access code of the "), 3U);
  });
}

TEST(LongContext, VariablesLeadToTheAnswer) {
  static const std::regex kAssignment(
      "(?:Let |令)(V[0-9]+[a-z])(?: equal |等于)([0-9]+|V[0-9]+[a-z])");
  for_mutants("trace_variables", [](const Sample&, const Sample& mutant) {
    const auto [body, variable, answer] = asked(mutant);
    std::map<std::string, std::string> values;
    std::string last;
    for (std::sregex_iterator at(body.begin(), body.end(), kAssignment), end; at != end; ++at) {
      const std::string value = (*at)[2];
      ASSERT_TRUE(value[0] != 'V' || values.contains(value)) << "used before it was set";
      values[(*at)[1]] = value[0] == 'V' ? values[value] : value;
    }
    EXPECT_EQ(values[variable], answer);
    EXPECT_GE(values.size(), 4U);
  });
}

TEST(LongContext, TheFactLiesAcrossByte4096) {
  for_mutants("fact_across_window", [](const Sample& sample, const Sample& mutant) {
    const auto [body, place, answer] = asked(mutant);
    const std::string fact = sample.language == "zh"
                                 ? place + "的门禁码是" + answer + "。"
                                 : "The access code of the " + place + " is " + answer + ".";
    const std::size_t begin = body.find(fact);
    ASSERT_NE(begin, std::string::npos);
    EXPECT_LT(begin, 4096U);
    EXPECT_GT(begin + fact.size(), 4096U);
  });
}

TEST(LongContext, AContradictionStandsFarFromWhatItContradicts) {
  for_mutants("far_contradiction", [](const Sample& sample, const Sample& mutant) {
    ASSERT_EQ(mutant.provenance.label_effect, LabelEffect::conflict);
    if (!sample.turns.empty()) {
      static const std::regex kFact(
          "The access code of the ([a-z ]+) is [0-9]+\\.|([^\n。]+)的门禁码是[0-9]+。");
      std::vector<std::size_t> places;
      for (std::sregex_iterator at(mutant.bytes.begin(), mutant.bytes.end(), kFact), end; at != end;
           ++at) {
        places.push_back(static_cast<std::size_t>(at->position(0)));
      }
      ASSERT_EQ(places.size(), 2U);
      EXPECT_GE(places[1] - places[0], kLongContextBytes);
    } else {
      EXPECT_GE(mutant.bytes.size() - sample.bytes.size(), kLongContextBytes);
    }
  });
}

TEST(LongContext, QuestionsInDialoguesAreTurnsOfTheirOwn) {
  Sample sample = dialogue({"Hello there.", "Good morning."});
  sample.id = 50;
  const auto mutant = find_operator("needle_at_depth").apply(sample, RandomKey(4), pool());
  ASSERT_TRUE(mutant);
  ASSERT_EQ(mutant->turns.size(), 4U);
  EXPECT_EQ(mutant->turns[2].role, "user");
  EXPECT_EQ(mutant->turns[3].role, "assistant");
  const Turn& last = mutant->turns[3];
  EXPECT_EQ(mutant->bytes.substr(last.begin, last.end - last.begin), asked(*mutant).answer);
  EXPECT_EQ(
      mutant->bytes.substr(mutant->turns[1].begin, mutant->turns[1].end - mutant->turns[1].begin),
      "Good morning.");
}

TEST(LongContext, WithoutAPoolShortSamplesCannotGrow) {
  const MemoryPool empty({}), malformed({text("\xFF\xFE")});
  for (const Operator* op : select_operators("long_context")) {
    EXPECT_FALSE(op->apply(prose()[0], RandomKey(1), empty)) << op->name();
    Sample sample = prose()[0];
    sample.id = 9;
    EXPECT_FALSE(op->apply(sample, RandomKey(1), malformed)) << op->name();
  }
}

TEST(LongContext, ALongBaseNeedsNoPool) {
  const MemoryPool empty({});
  std::string bytes;
  while (bytes.size() < 9000) bytes += prose()[1].bytes + "\n\n";
  const auto mutant = find_operator("needle_at_depth").apply(text(bytes), RandomKey(1), empty);
  ASSERT_TRUE(mutant);
  EXPECT_EQ(count(mutant->bytes, "The access code of the"), 1U);
}

}  // namespace
}  // namespace spillway::data
