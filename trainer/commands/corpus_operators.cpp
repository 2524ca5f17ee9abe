#include <iostream>

#include "configs/command_line.hpp"
#include "data/mutate/operator.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/corpus_text.hpp"

namespace spillway::trainer {
namespace {

std::string as_text(const std::vector<const data::Operator*>& operators) {
  std::string text, category;
  for (const data::Operator* op : operators) {
    if (category != data::to_string(op->category())) {
      category = data::to_string(op->category());
      text += (text.empty() ? "" : "\n") + category + "\n";
    }
    std::string name(op->name());
    name.resize(24, ' ');
    text += "  " + name + std::string(op->meaning()) + "\n";
  }
  return text;
}

nlohmann::json as_json(const std::vector<const data::Operator*>& operators) {
  nlohmann::json list = nlohmann::json::array();
  for (const data::Operator* op : operators) {
    list.push_back({{"name", op->name()},
                    {"category", data::to_string(op->category())},
                    {"meaning", op->meaning()},
                    {"raw", op->raw()}});
  }
  return list;
}

}  // namespace

int run_corpus_operators(const std::vector<std::string>& words) {
  const config::Usage usage{.command = "corpus operators",
                            .summary = "Lists the mutation operators: name, category, meaning.",
                            .positionals = {"[LIST]"},
                            .options = {{"format", "text|json", "how to print", "text"}},
                            .example = "spillway corpus operators grammar,needle_at_depth"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const bool json = arguments.choice("format", "text | json") == "json";
  const auto operators = data::select_operators(
      arguments.positionals().empty() ? "all,raw" : arguments.positionals()[0]);
  std::cout << (json ? as_json(operators).dump() + "\n" : as_text(operators));
  return 0;
}

}  // namespace spillway::trainer
