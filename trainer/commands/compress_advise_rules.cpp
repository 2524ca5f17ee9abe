#include "trainer/commands/compress_advise_rules.hpp"

#include <algorithm>
#include <map>
#include <sstream>

namespace spillway::trainer {
namespace {

/// "layers.*.norm.weight" -> "^layers\.[0-9]+\.norm\.weight$".
std::string expression_of(const std::string& pattern) {
  std::string expression = "^";
  for (const char one : pattern) {
    if (one == '.') {
      expression += "\\.";
    } else if (one == '*') {
      expression += "[0-9]+";
    } else {
      expression += one;
    }
  }
  return expression + "$";
}

bool is_number(const std::string& text) {
  return text.find_first_not_of("0123456789.e+-") == std::string::npos;
}

/// "powersgd,approximation_rank=4,wire=bf16" as lines of TOML.
std::string settings_of(const std::string& cell) {
  std::istringstream words(cell);
  std::string lines;
  for (std::string word; std::getline(words, word, ',');) {
    const std::size_t equals = word.find('=');
    const std::string name = equals == std::string::npos ? "method" : word.substr(0, equals);
    const std::string value = equals == std::string::npos ? word : word.substr(equals + 1);
    const char* quote = is_number(value) ? "" : "\"";
    lines.append(name).append(" = ").append(quote).append(value).append(quote).append("\n");
  }
  return lines;
}

}  // namespace

std::string mix_rules(const Advice& advice) {
  std::map<std::string, int> groups;
  for (const GroupAdvice& one : advice.groups) ++groups[one.best];
  const auto usual =
      std::max_element(groups.begin(), groups.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (usual == groups.end()) return "";
  std::string text = "[compression]\n" + settings_of(usual->first);
  for (const GroupAdvice& one : advice.groups) {
    if (one.best == usual->first) continue;
    text.append("\n[[compression.rules]]\nmatch = '")
        .append(expression_of(one.group.pattern))
        .append("'\n")
        .append(settings_of(one.best));
  }
  return text;
}

}  // namespace spillway::trainer
