#include "parallel/pipeline/cost_list.hpp"

#include <charconv>
#include <cmath>
#include <set>

#include "configs/error.hpp"

namespace spillway::pipeline {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  CostList run() {
    read_entry();
    while (at_ < text_.size()) {
      if (!take(',')) complain(at_, ", or ; or the end");
      read_entry();
    }
    for (const std::string_view key : {"F", "I", "W"}) {
      if (!seen_.contains(key)) complain(text_.size(), "," + std::string(key) + "=NUMBER");
    }
    return list_;
  }

 private:
  [[noreturn]] void complain(std::size_t at, const std::string& expected) const {
    fail_input("costs \"" + std::string(text_) + "\", character " + std::to_string(at + 1) +
               ": expected " + expected);
  }

  bool take(char c) {
    const bool there = at_ < text_.size() && text_[at_] == c;
    at_ += there;
    return there;
  }

  void read_entry() {
    const std::size_t first = at_;
    const std::string_view key = text_.substr(at_, text_.find('=', at_) - at_);
    std::vector<double>* const list = list_of(key);
    if (!list && key != "comm") complain(first, "F= | I= | W= | R= | comm=");
    if (!seen_.insert(key).second) complain(first, std::string(key) + " only once");
    at_ += key.size();
    if (!take('=')) complain(at_, "=");
    if (!list) {
      list_.comm = read_number();
      return;
    }
    do list->push_back(read_number());
    while (take(';'));
  }

  std::vector<double>* list_of(std::string_view key) {
    if (key == "F") return &list_.forward;
    if (key == "I") return &list_.backward_input;
    if (key == "W") return &list_.backward_weight;
    if (key == "R") return &list_.recompute;
    return nullptr;
  }

  double read_number() {
    double number = 0;
    const char* const first = text_.data() + at_;
    const auto result = std::from_chars(first, text_.data() + text_.size(), number);
    if (result.ec != std::errc() || !std::isfinite(number) || number < 0) {
      complain(at_, "a number of at least 0");
    }
    at_ += static_cast<std::size_t>(result.ptr - first);
    return number;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::set<std::string_view> seen_;
  CostList list_;
};

/// The cost of `stage`; `key` names the list in messages.
double entry(const std::vector<double>& list, const ScheduleShape& shape, std::size_t stage,
             const char* key) {
  if (list.size() == 1) return list.front() / shape.chunks;
  if (list.size() != static_cast<std::size_t>(shape.stages())) {
    fail_input("costs: " + std::string(key) + " lists " + std::to_string(list.size()) +
               " stages; valid: 1 number, or " + std::to_string(shape.stages()) +
               " (parallel.stages x chunks = " + std::to_string(shape.ranks) + " x " +
               std::to_string(shape.chunks) + ")");
  }
  return list[stage];
}

}  // namespace

CostList parse_costs(std::string_view text) { return Parser(text).run(); }

Costs costs_of(const CostList& list, const ScheduleShape& shape) {
  Costs costs{.hop_seconds = list.comm};
  for (std::size_t stage = 0; stage < static_cast<std::size_t>(shape.stages()); ++stage) {
    const double input = entry(list.backward_input, shape, stage, "I");
    const double weight = entry(list.backward_weight, shape, stage, "W");
    costs.stages.push_back({.forward = entry(list.forward, shape, stage, "F"),
                            .backward_input = input,
                            .backward_weight = weight,
                            .backward = input + weight,
                            .recompute = list.recompute.empty()
                                             ? entry(list.forward, shape, stage, "F")
                                             : entry(list.recompute, shape, stage, "R")});
  }
  return costs;
}

}  // namespace spillway::pipeline
