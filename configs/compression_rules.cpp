#include "configs/compression_rules.hpp"

#include <regex>

#include "configs/setting_value.hpp"

namespace spillway::config {
namespace {

/// Index of the rule that holds for a parameter; the number of rules where none does.
std::size_t rule_of(const CompressionConfig& config, const std::string& parameter) {
  std::size_t i = 0;
  while (i < config.rules.size() &&
         !std::regex_search(parameter, std::regex(config.rules[i].match))) {
    ++i;
  }
  return i;
}

}  // namespace

CompressionMethod method_of(const CompressionConfig& config, const std::string& parameter) {
  CompressionMethod method = config;
  const std::size_t rule = rule_of(config, parameter);
  if (rule == config.rules.size()) return method;
  for (const auto& [name, text] : config.rules[rule].settings) {
    for_each_field(method, [&](const auto& field, auto& value) {
      if (field.name != name) return;
      const toml::table table = toml::parse("value = " + text);
      read_node("", name, *table.get("value"), field.limit, value);
    });
  }
  return method;
}

std::vector<std::string> idle_rules(const CompressionConfig& config,
                                    const std::vector<std::string>& parameters) {
  std::vector<bool> holds(config.rules.size() + 1);
  for (const std::string& parameter : parameters) holds[rule_of(config, parameter)] = true;
  std::vector<std::string> idle;
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    if (!holds[i]) idle.push_back(config.rules[i].match);
  }
  return idle;
}

}  // namespace spillway::config
