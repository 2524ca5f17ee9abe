// Long contexts: 4096 bytes and more, with something in them to find, follow or notice.
#include <algorithm>
#include <array>
#include <set>

#include "data/mutate/categories.hpp"
#include "data/mutate/haystack.hpp"
#include "data/mutate/statements.hpp"
#include "data/mutate/words.hpp"

namespace spillway::data {
namespace {

constexpr std::size_t kSpread =
    2048;  // lengths are uniform in [kLongContextBytes, kLongContextBytes + kSpread)

constexpr OperatorInfo info(std::string_view name, std::string_view meaning,
                            LabelEffect effect = LabelEffect::preserve) {
  return {name, Category::long_context, meaning, effect};
}

bool is_chinese(const Sample& sample) { return sample.language == "zh"; }

/// A made-up place; the two parts allow near-duplicates that share one of them.
struct Place {
  std::uint64_t which = 0, kind = 0;
  auto operator<=>(const Place&) const = default;
};

constexpr std::array<std::string_view, 12> kWhich{"northern", "copper", "harbour", "winter",
                                                  "glass",    "second", "orchard", "river",
                                                  "amber",    "quiet",  "upper",   "western"};
constexpr std::array<std::string_view, 12> kKind{"depot",   "archive", "tower",   "workshop",
                                                 "cellar",  "station", "library", "kiln",
                                                 "granary", "lodge",   "vault",   "mill"};
constexpr std::array<std::string_view, 12> kWhichChinese{
    "北区", "铜门", "港口", "冬季", "玻璃", "第二", "果园", "河边", "琥珀", "静园", "上层", "西侧"};
constexpr std::array<std::string_view, 12> kKindChinese{"仓库", "档案室", "塔楼", "工坊",
                                                        "地窖", "车站",   "书库", "窑房",
                                                        "粮仓", "木屋",   "金库", "磨坊"};

Place draw_place(RandomKey& key) { return {key.below(kWhich.size()), key.below(kKind.size())}; }

std::string name_of(Place place, bool chinese) {
  if (chinese) return std::string(kWhichChinese[place.which]).append(kKindChinese[place.kind]);
  return std::string(kWhich[place.which]).append(" ").append(kKind[place.kind]);
}

std::string draw_code(RandomKey& key) { return std::to_string(100000 + key.below(900000)); }

std::string fact(std::string_view place, std::string_view code, bool chinese) {
  std::string text(chinese ? "" : "The access code of the ");
  return text.append(place)
      .append(chinese ? "的门禁码是" : " is ")
      .append(code)
      .append(chinese ? "。" : ".");
}

std::string query(std::string_view place, bool chinese) {
  std::string text(chinese ? "" : "What is the access code of the ");
  return text.append(place).append(chinese ? "的门禁码是多少？" : "?");
}

/// A length for the padded text: uniform over kSpread, at least `floor`.
std::size_t draw_length(RandomKey& key, std::size_t floor = kLongContextBytes) {
  return floor + key.below(kSpread);
}

/// A place that the text does not name; the last drawn one when all eight are named.
Place draw_new_place(const std::string& text, bool chinese, RandomKey& key) {
  Place place = draw_place(key);
  for (int draw = 0; draw < 8 && text.find(name_of(place, chinese)) != std::string::npos; ++draw)
    place = draw_place(key);
  return place;
}

class DistractorPadding : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override {
    RandomKey draws = stream(key);
    const Haystack haystack(sample, pool, draw_length(draws), draws);
    if (!haystack.is_long() || !haystack.is_padded()) return std::nullopt;
    return haystack.finish(*this, key, effect());
  }
};

class NeedleAtDepth : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override {
    RandomKey draws = stream(key);
    Haystack haystack(sample, pool, draw_length(draws), draws);
    if (!haystack.is_long()) return std::nullopt;
    const bool chinese = is_chinese(sample);
    const std::string place = name_of(draw_new_place(haystack.text(), chinese, draws), chinese),
                      code = draw_code(draws);
    haystack.plant(static_cast<double>(draws.below(11)) / 10.0, fact(place, code, chinese));
    return haystack.finish(*this, key, effect(), query(place, chinese), code);
  }
};

/// Three to six needles, each with a place that shares a word with the one asked for.
class ConfusableNeedles : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override {
    RandomKey draws = stream(key);
    Haystack haystack(sample, pool, draw_length(draws), draws);
    if (!haystack.is_long()) return std::nullopt;
    const bool chinese = is_chinese(sample);
    const Place asked = draw_new_place(haystack.text(), chinese, draws);
    std::set<Place> places{asked};
    for (const std::uint64_t count = 3 + draws.below(4); places.size() < count;) {
      const Place other = draw_place(draws);
      places.insert(draws.below(2) ? Place{asked.which, other.kind}
                                   : Place{other.which, asked.kind});
    }
    std::string answer;
    for (const Place place : places) {
      const std::string code = draw_code(draws);
      if (place == asked) answer = code;
      haystack.plant(draws.uniform(), fact(name_of(place, chinese), code, chinese));
    }
    return haystack.finish(*this, key, effect(), query(name_of(asked, chinese), chinese), answer);
  }
};

/// A chain of two to five assignments spread over the text, and a second chain that leads
/// elsewhere.
class TraceVariables : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override {
    RandomKey draws = stream(key);
    Haystack haystack(sample, pool, draw_length(draws), draws);
    if (!haystack.is_long()) return std::nullopt;
    const bool chinese = is_chinese(sample);
    const std::uint64_t hops = 2 + draws.below(4);
    const std::uint64_t first_name = 100 + draws.below(800);
    const std::string value = draw_code(draws), other = draw_code(draws);
    for (std::uint64_t hop = 0; hop < hops; ++hop) {
      const double depth = (static_cast<double>(hop) + draws.uniform()) / static_cast<double>(hops);
      plant_assignment(haystack, depth, variable(first_name, hop),
                       hop == 0 ? value : variable(first_name, hop - 1), chinese);
      plant_assignment(haystack, depth, variable(first_name + 1, hop),
                       hop == 0 ? other : variable(first_name + 1, hop - 1), chinese);
    }
    const std::string last = variable(first_name, hops - 1);
    return haystack.finish(*this, key, effect(),
                           chinese ? last + "的值是多少？" : "What is the value of " + last + "?",
                           value);
  }

 private:
  static std::string variable(std::uint64_t chain, std::uint64_t hop) {
    return "V" + std::to_string(chain) + static_cast<char>('a' + hop);
  }
  static void plant_assignment(Haystack& haystack, double depth, const std::string& name,
                               const std::string& value, bool chinese) {
    haystack.plant(depth, chinese ? "令" + name + "等于" + value + "。"
                                  : "Let " + name + " equal " + value + ".");
  }
};

/// The needle lies across byte 4096, where windows and packs are cut.
class FactAcrossWindow : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override {
    RandomKey draws = stream(key);
    Haystack haystack(sample, pool, draw_length(draws, kLongContextBytes + 256), draws);
    if (!haystack.is_long()) return std::nullopt;
    const bool chinese = is_chinese(sample);
    const std::string place = name_of(draw_new_place(haystack.text(), chinese, draws), chinese),
                      code = draw_code(draws);
    const std::string sentence = fact(place, code, chinese);
    const std::size_t at =
        haystack.place_before(kLongContextBytes - 1 - draws.below(sentence.size() / 2));
    if (at + 1 + sentence.size() <= kLongContextBytes) return std::nullopt;
    haystack.plant_at(at, sentence);
    return haystack.finish(*this, key, effect(), query(place, chinese), code);
  }
};

/// A statement, and at least 4096 bytes later its contradiction: of a sentence of the sample, else
/// a planted pair.
class FarContradiction : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override {
    RandomKey draws = stream(key);
    const bool base_first = sample.turns.empty();
    const std::size_t length = draw_length(draws, kLongContextBytes + 512) + sample.bytes.size();
    Haystack haystack(sample, pool, length, draws, base_first);
    if (haystack.text().size() < kLongContextBytes + 512) return std::nullopt;
    const auto denial =
        base_first && haystack.is_padded() ? contradict_base(sample, draws) : std::nullopt;
    if (denial) {
      haystack.plant(1.0, *denial);
    } else {
      const bool chinese = is_chinese(sample);
      const std::string place = name_of(draw_new_place(haystack.text(), chinese, draws), chinese),
                        code = draw_code(draws);
      haystack.plant(0.0, fact(place, code, chinese));
      haystack.plant(1.0, fact(place, other_number(code, draws), chinese));
    }
    return haystack.finish(*this, key, effect());
  }

 private:
  static std::optional<std::string> contradict_base(const Sample& sample, RandomKey& draws) {
    const std::vector<Span> all = sentences(sample.bytes);
    if (all.empty()) return std::nullopt;
    const std::size_t first = draws.below(all.size());
    for (std::size_t i = 0; i < std::min<std::size_t>(all.size(), 8); ++i) {
      const Span sentence = all[(first + i) % all.size()];
      if (sentence.size() > 600) continue;
      if (auto denial = contradicted(sentence.in(sample.bytes), draws)) return denial;
    }
    return std::nullopt;
  }
};

}  // namespace

OperatorList long_context_operators() {
  OperatorList list;
  list.push_back(std::make_unique<NeedleAtDepth>(
      info("needle_at_depth", "one fact at a depth of 0, 10, ... 100 %, asked for at the end")));
  list.push_back(std::make_unique<DistractorPadding>(
      info("distractor_padding", "other samples before and behind, 4096 bytes and more")));
  list.push_back(std::make_unique<ConfusableNeedles>(
      info("confusable_needles", "3 to 6 facts that differ in one word, one asked for")));
  list.push_back(std::make_unique<TraceVariables>(info(
      "trace_variables", "2 to 5 assignments to follow, beside a chain that leads elsewhere")));
  list.push_back(std::make_unique<FactAcrossWindow>(
      info("fact_across_window", "a fact that lies across byte 4096")));
  list.push_back(std::make_unique<FarContradiction>(info(
      "far_contradiction", "a statement is contradicted 4096 bytes later", LabelEffect::conflict)));
  return list;
}

}  // namespace spillway::data
