#include "data/mutate/haystack.hpp"

#include <algorithm>

#include "data/mutate/edit_builder.hpp"
#include "data/mutate/graphemes.hpp"
#include "data/mutate/padding.hpp"
#include "data/mutate/words.hpp"

namespace spillway::data {
namespace {

constexpr std::string_view kEmptyLine = "\n\n";
constexpr std::size_t kMostMoved = 400;  // bytes from where a sentence was to be planted

bool is_chinese(const Sample& sample) { return sample.language == "zh"; }

/// 3: a sentence or line ends before byte `at`; 2: a blank; 1: neither.
int rank_of_place(std::string_view text, std::size_t at) {
  if (at == 0 || text[at - 1] == '\n') return 3;
  if (at >= 3 && text.substr(at - 3, 3) == "。") return 3;
  if (!is_blank(text[at - 1])) return 1;
  return at >= 2 && std::string_view(".!?").find(text[at - 2]) != std::string_view::npos ? 3 : 2;
}

std::string question_and_answer(const Sample& base, std::string_view question,
                                std::string_view answer) {
  if (question.empty()) return {};
  std::string text;
  if (!base.turns.empty()) return text.append("\n").append(question).append("\n").append(answer);
  const bool chinese = is_chinese(base);
  return text.append(kEmptyLine)
      .append(chinese ? "问：" : "Question: ")
      .append(question)
      .append("\n")
      .append(chinese ? "答：" : "Answer: ")
      .append(answer);
}

/// Makes the last bytes of a dialogue two turns of their own.
void add_turns(Sample& mutant, std::size_t behind, std::size_t question, std::size_t answer) {
  const std::size_t end = mutant.bytes.size() - behind;
  mutant.turns.back().end = std::min(mutant.turns.back().end, static_cast<std::uint32_t>(end));
  const auto question_begin = static_cast<std::uint32_t>(end + 1);
  const auto question_end = static_cast<std::uint32_t>(question_begin + question);
  mutant.turns.push_back({question_begin, question_end, "user"});
  mutant.turns.push_back(
      {question_end + 1, static_cast<std::uint32_t>(question_end + 1 + answer), "assistant"});
}

}  // namespace

Haystack::Haystack(const Sample& base, const SamplePool& pool, std::size_t bytes, RandomKey& key,
                   bool base_first)
    : base_(base), split_(base.turns.empty() ? 0 : base.turns[0].begin) {
  const std::size_t taken = base.bytes.size() + 2 * kEmptyLine.size();
  const std::string filler =
      taken < bytes ? Padding(pool, base, key.split(1)).take(bytes - taken) : std::string();
  if (!filler.empty()) {
    std::size_t front = base_first ? 0 : cut_near(filler, key.below(filler.size() + 1));
    if (!base.turns.empty()) front = filler.size();
    if (front > 0) padding_.append(filler, 0, front).append(kEmptyLine);
    if (front < filler.size()) tail_.append(kEmptyLine).append(filler, front);
  }
  text_.append(base.bytes, 0, split_).append(padding_).append(base.bytes, split_).append(tail_);
}

bool Haystack::may_plant(std::size_t at) const {
  if (!is_clean_cut(text_, at)) return false;
  if (base_.turns.empty() || (!padding_.empty() && at >= split_ && at < split_ + padding_.size()))
    return true;
  const std::size_t original = at <= split_ ? at : at - padding_.size();
  return std::ranges::any_of(base_.turns, [&](const Turn& turn) {
    return turn.begin <= original && original <= turn.end;
  });
}

std::size_t Haystack::place_before(std::size_t at) const {
  while (at > 0 && !may_plant(at)) --at;
  return may_plant(at) ? at : split_;
}

std::size_t Haystack::place_near(double depth) const {
  const bool only_padding = !base_.turns.empty() && !padding_.empty();
  const std::size_t begin = only_padding ? split_ : 0,
                    size = only_padding ? padding_.size() - kEmptyLine.size() : text_.size();
  const std::size_t target = begin + static_cast<std::size_t>(depth * static_cast<double>(size));
  int best_rank = 0;
  std::size_t best = place_before(target);
  for (std::size_t step = 0; step <= std::min(size / 100, kMostMoved) && best_rank < 3; ++step) {
    for (const std::size_t at :
         {target - std::min(step, target - begin), std::min(target + step, begin + size)}) {
      if (!may_plant(at) || rank_of_place(text_, at) <= best_rank) continue;
      best_rank = rank_of_place(text_, at);
      best = at;
    }
  }
  return best;
}

void Haystack::plant_at(std::size_t at, std::string sentence) {
  if (static_cast<unsigned char>(sentence.back()) < 0x80) {
    if (at > 0 && !is_blank(text_[at - 1])) sentence.insert(0, 1, ' ');
    if (at < text_.size() && !is_blank(text_[at])) sentence += ' ';
  }
  const auto behind = std::ranges::upper_bound(planted_, at, {}, &Planted::at);
  planted_.insert(behind, {at, std::move(sentence)});
}

std::string Haystack::planted_text(std::size_t begin, std::size_t end,
                                   std::size_t first_place) const {
  std::string text;
  std::size_t at = begin;
  for (const Planted& planted : planted_) {
    if (planted.at < first_place || planted.at > end) continue;
    text.append(text_, at, planted.at - at).append(planted.sentence);
    at = planted.at;
  }
  return text.append(text_, at, end - at);
}

std::optional<Sample> Haystack::finish(const DescribedOperator& by, RandomKey key,
                                       LabelEffect effect, std::string_view question,
                                       std::string_view answer) const {
  const std::size_t padding_end = split_ + padding_.size(),
                    base_end = padding_.size() + base_.bytes.size();
  EditBuilder builder(base_);
  for (const Planted& planted : planted_) {
    if (planted.at < split_) builder.insert(planted.at, planted.sentence);
  }
  builder.insert(split_, planted_text(split_, padding_end, split_));
  for (const Planted& planted : planted_) {
    if (planted.at > padding_end && planted.at < base_end)
      builder.insert(planted.at - padding_.size(), planted.sentence);
  }
  // What stands at the end of the padding belongs to it, also when the base is empty.
  builder.insert(base_.bytes.size(),
                 planted_text(base_end, text_.size(), std::max(base_end, padding_end + 1)));
  const std::string behind = question_and_answer(base_, question, answer);
  builder.insert(base_.bytes.size(), behind);
  auto mutant = std::move(builder).finish(by, key, effect);
  if (mutant && !behind.empty() && !base_.turns.empty())
    add_turns(*mutant, behind.size(), question.size(), answer.size());
  return mutant;
}

}  // namespace spillway::data
