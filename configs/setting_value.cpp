#include "configs/setting_value.hpp"

#include <charconv>
#include <cmath>
#include <regex>
#include <sstream>

#include "configs/error.hpp"

namespace spillway::config {
namespace {

template <class Value>
inline constexpr bool kIsList = false;
template <class Entry>
inline constexpr bool kIsList<std::vector<Entry>> = true;

std::string type_name(bool) { return "true or false"; }
std::string type_name(std::int64_t) { return "a whole number"; }
std::string type_name(double) { return "a number"; }
std::string type_name(const std::string&) { return "text"; }
std::string type_name(const std::vector<std::int64_t>&) {
  return "a list of whole numbers such as [3, 3]";
}
std::string type_name(const std::vector<CompressionRule>&) {
  return "a list of tables such as [{match = \"bias\", method = \"none\"}]";
}

void check_limit(const std::string& where, const std::string& name, const std::string& value,
                 const Limit& limit) {
  if (limit.choices.empty()) return;
  std::istringstream choices{std::string(limit.choices)};
  for (std::string choice; choices >> choice;) {
    if (choice == value && choice != "|") return;
  }
  fail_choice(where + name, value, std::string(limit.choices));
}

template <class Number>
requires std::is_arithmetic_v<Number>
void check_limit(const std::string& where, const std::string& name, Number value,
                 const Limit& limit) {
  const auto as_double = static_cast<double>(value);
  if (as_double >= limit.min && as_double <= limit.max) return;
  fail_input(where + name + " = " + to_text(value) +
             " is out of range; valid: " + valid_text(limit));
}

void check_limit(const std::string& where, const std::string& name,
                 const std::vector<std::int64_t>& value, const Limit& /*limit*/) {
  for (const std::int64_t entry : value) {
    if (entry < 0) fail_input(where + name + " = " + to_text(value) + " has a negative entry");
  }
}

/// Each rule has a regular expression, and settings that read_node() takes.
void check_limit(const std::string& where, const std::string& name,
                 const std::vector<CompressionRule>& rules, const Limit& /*limit*/) {
  for (const CompressionRule& rule : rules) {
    const std::string here = where + name + ", match = " + to_text(rule.match) + ": ";
    if (rule.match.empty()) fail_input(here + "empty; valid: a regular expression");
    try {
      static_cast<void>(std::regex(rule.match));
    } catch (const std::regex_error&) {
      fail_input(here + "not a regular expression (ECMAScript)");
    }
    if (rule.settings.empty()) fail_input(here + "sets nothing; valid: method, wire, ...");
    CompressionMethod scratch;
    for (const auto& [key, text] : rule.settings) {
      std::string valid;
      bool known = false;
      for_each_field(scratch, [&](const auto& field, auto& value) {
        valid += (valid.empty() ? "" : " | ") + std::string(field.name);
        if (field.name != key) return;
        known = true;
        const toml::table table = toml::parse("value = " + text);
        read_node(here, key, *table.get("value"), field.limit, value);
      });
      if (!known) fail_choice(here + "setting", key, valid);
    }
  }
}

bool read(const toml::node& node, bool& value) {
  if (!node.is_boolean()) return false;
  value = **node.as_boolean();
  return true;
}
bool read(const toml::node& node, std::int64_t& value) {
  if (!node.is_integer()) return false;
  value = **node.as_integer();
  return true;
}
bool read(const toml::node& node, double& value) {
  if (!node.is_number()) return false;
  value = *node.value<double>();
  return true;
}
bool read(const toml::node& node, std::string& value) {
  if (!node.is_string()) return false;
  value = **node.as_string();
  return true;
}
bool read(const toml::node& node, CompressionRule& rule);

template <class Entry>
bool read(const toml::node& node, std::vector<Entry>& value) {
  if (!node.is_array()) return false;
  value.clear();
  for (const toml::node& entry : *node.as_array()) {
    if (!read(entry, value.emplace_back())) return false;
  }
  return true;
}

std::string node_text(const toml::node& node) {
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  return text.str();
}

bool read(const toml::node& node, CompressionRule& rule) {
  if (!node.is_table()) return false;
  for (const auto& [key, value] : *node.as_table()) {
    if (key.str() != "match") {
      rule.settings.emplace_back(std::string(key.str()), node_text(value));
    } else if (!read(value, rule.match)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string to_text(bool value) { return value ? "true" : "false"; }
std::string to_text(std::int64_t value) { return std::to_string(value); }
std::string to_text(const std::string& value) {
  std::ostringstream text;
  text << toml::value<std::string>(value);
  return text.str();
}
std::string to_text(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  // TOML's floats have a point or an exponent; an integer would come back as another type.
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}
std::string to_text(const std::vector<std::int64_t>& value) {
  std::string text = "[";
  for (std::size_t i = 0; i < value.size(); ++i) text += (i ? ", " : "") + std::to_string(value[i]);
  return text + "]";
}
std::string to_text(const std::vector<CompressionRule>& value) {
  std::string text = "[";
  for (const CompressionRule& rule : value) {
    text += (text.size() > 1 ? ", {match = " : "{match = ") + to_text(rule.match);
    for (const auto& [name, setting] : rule.settings)
      text.append(", ").append(name).append(" = ").append(setting);
    text += "}";
  }
  return text + "]";
}

std::string valid_text(const Limit& limit) {
  if (!limit.choices.empty()) return std::string(limit.choices);
  const bool low = std::isfinite(limit.min), high = std::isfinite(limit.max);
  const auto plain = [](double bound) {
    std::ostringstream text;
    text << bound;
    return text.str();
  };
  if (low && high) return plain(limit.min) + " to " + plain(limit.max);
  if (low) return ">= " + plain(limit.min);
  if (high) return "<= " + plain(limit.max);
  return "";
}

template <class Value>
void read_node(const std::string& where, const std::string& name, const toml::node& node,
               const Limit& limit, Value& value) {
  if (!read(node, value))
    fail_input(where + name + " = " + node_text(node) + " is not " + type_name(value));
  check_limit(where, name, value, limit);
}

template <class Value>
void read_text(const std::string& where, const std::string& name, const std::string& text,
               const Limit& limit, Value& value) {
  if constexpr (std::is_same_v<Value, std::string>) {
    value = text;
    check_limit(where, name, value, limit);
  } else {
    toml::table table;
    try {
      table = toml::parse("value = " +
                          (kIsList<Value> && !text.starts_with('[') ? "[" + text + "]" : text));
    } catch (const toml::parse_error&) {
      table.clear();
    }
    if (table.size() != 1 || !read(*table.get("value"), value))
      fail_input(where + name + " = " + text + " is not " + type_name(value));
    check_limit(where, name, value, limit);
  }
}

using Text = const std::string&;
template void read_node(Text, Text, const toml::node&, const Limit&, bool&);
template void read_node(Text, Text, const toml::node&, const Limit&, std::int64_t&);
template void read_node(Text, Text, const toml::node&, const Limit&, double&);
template void read_node(Text, Text, const toml::node&, const Limit&, std::string&);
template void read_node(Text, Text, const toml::node&, const Limit&, std::vector<std::int64_t>&);
template void read_node(Text, Text, const toml::node&, const Limit&, std::vector<CompressionRule>&);
template void read_text(Text, Text, Text, const Limit&, bool&);
template void read_text(Text, Text, Text, const Limit&, std::int64_t&);
template void read_text(Text, Text, Text, const Limit&, double&);
template void read_text(Text, Text, Text, const Limit&, std::string&);
template void read_text(Text, Text, Text, const Limit&, std::vector<std::int64_t>&);
template void read_text(Text, Text, Text, const Limit&, std::vector<CompressionRule>&);

}  // namespace spillway::config
