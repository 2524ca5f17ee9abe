// All operators, and the choice among them by name.
#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "configs/error.hpp"
#include "data/mutate/categories.hpp"

namespace spillway::data {
namespace {

std::string trimmed(std::string_view word) {
  const std::size_t begin = word.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return std::string(word.substr(begin, word.find_last_not_of(" \t") - begin + 1));
}

bool answers_to(const Operator& op, std::string_view name) {
  if (name == "all") return !op.raw();
  if (name == "raw") return op.raw();
  return name == op.name() || (name == to_string(op.category()) && !op.raw());
}

[[noreturn]] void fail_unknown(const std::string& name) {
  std::vector<std::string> names{"all", "raw"};
  std::string categories;
  for (const auto& op : operators()) {
    names.emplace_back(op->name());
    const std::string category = to_string(op->category());
    if (std::ranges::find(names, category) != names.end()) continue;
    names.push_back(category);
    categories += (categories.empty() ? "" : " | ") + category;
  }
  const std::string proposal = nearest(name, names);
  fail_input("unknown operator or category \"" + name + "\"; " +
             (proposal.empty() ? "valid: all | raw | " + categories +
                                     ", or a name that `spillway corpus operators` lists"
                               : "did you mean \"" + proposal + "\"?"));
}

}  // namespace

const std::vector<std::unique_ptr<Operator>>& operators() {
  static const OperatorList kOperators = [] {
    OperatorList all;
    for (const auto category :
         {long_context_operators, dialogue_operators, special_character_operators,
          concurrency_operators, grammar_operators, ambiguity_operators, contradiction_operators}) {
      std::ranges::move(category(), std::back_inserter(all));
    }
    return all;
  }();
  return kOperators;
}

std::vector<const Operator*> select_operators(std::string_view list) {
  std::set<const Operator*> chosen;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    const std::string name = trimmed(list.substr(begin, end - begin));
    begin = end + 1;
    if (name.empty()) continue;
    bool known = false;
    for (const auto& op : operators()) {
      if (!answers_to(*op, name)) continue;
      chosen.insert(op.get());
      known = true;
    }
    if (!known) fail_unknown(name);
  }
  if (chosen.empty())
    fail_input(
        "no mutation operators named; give \"all\", categories or names separated by commas");
  std::vector<const Operator*> selected;
  for (const auto& op : operators()) {
    if (chosen.contains(op.get())) selected.push_back(op.get());
  }
  return selected;
}

}  // namespace spillway::data
