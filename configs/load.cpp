#include "configs/load.hpp"

#include <toml++/toml.h>
#include <charconv>
#include <cmath>
#include <fstream>
#include <functional>
#include <sstream>

#include "configs/error.hpp"

namespace spillway::config {
namespace {

template <class Value>
struct IsList : std::false_type {};
template <>
struct IsList<std::vector<std::int64_t>> : std::true_type {};

/// Calls visit(full name, field, value) for every setting.
template <class C, class Visitor>
void for_each_setting(C& config, Visitor&& visit) {
  for_each_section(config, [&](const char* section_name, const char*, auto& section) {
    std::apply(
        [&](const auto&... field) {
          (visit(std::string(section_name) + "." + std::string(field.name), field,
                 section.*field.member),
           ...);
        },
        std::remove_cvref_t<decltype(section)>::fields());
  });
}

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

std::string type_name(bool) { return "true or false"; }
std::string type_name(std::int64_t) { return "a whole number"; }
std::string type_name(double) { return "a number"; }
std::string type_name(const std::string&) { return "text"; }
std::string type_name(const std::vector<std::int64_t>&) {
  return "a list of whole numbers such as [3, 3]";
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
void check_limit(const std::string& where, const std::string& name, const Value& value,
                 const Limit& limit) {
  if constexpr (std::is_same_v<Value, std::string>) {
    if (limit.choices.empty()) return;
    std::istringstream choices{std::string(limit.choices)};
    for (std::string choice; choices >> choice;) {
      if (choice == value && choice != "|") return;
    }
    fail_choice(where + name, value, std::string(limit.choices));
  } else if constexpr (!IsList<Value>::value) {
    const auto as_double = static_cast<double>(value);
    if (!(as_double >= limit.min && as_double <= limit.max)) {
      fail_input(where + name + " = " + to_text(value) +
                 " is out of range; valid: " + valid_text(limit));
    }
  } else {
    for (const std::int64_t entry : value) {
      if (entry < 0) fail_input(where + name + " = " + to_text(value) + " has a negative entry");
    }
  }
}

/// Reads a TOML node into `value`; false if the types do not fit. A whole number is also a number.
bool read_node(const toml::node& node, bool& value) {
  if (!node.is_boolean()) return false;
  value = **node.as_boolean();
  return true;
}
bool read_node(const toml::node& node, std::int64_t& value) {
  if (!node.is_integer()) return false;
  value = **node.as_integer();
  return true;
}
bool read_node(const toml::node& node, double& value) {
  if (!node.is_number()) return false;
  value = *node.value<double>();
  return true;
}
bool read_node(const toml::node& node, std::string& value) {
  if (!node.is_string()) return false;
  value = **node.as_string();
  return true;
}
bool read_node(const toml::node& node, std::vector<std::int64_t>& value) {
  if (!node.is_array()) return false;
  value.clear();
  for (const toml::node& entry : *node.as_array()) {
    std::int64_t number = 0;
    if (!read_node(entry, number)) return false;
    value.push_back(number);
  }
  return true;
}

std::string node_text(const toml::node& node) {
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  return text.str();
}

/// Text of the command line as a TOML node; text settings take it as it is.
template <class Value>
bool read_text(const std::string& text, Value& value) {
  if constexpr (std::is_same_v<Value, std::string>) {
    value = text;
    return true;
  } else {
    try {
      const toml::table table = toml::parse(
          "value = " + (IsList<Value>::value && !text.starts_with('[') ? "[" + text + "]" : text));
      return table.size() == 1 && read_node(*table.get("value"), value);
    } catch (const toml::parse_error&) {
      return false;
    }
  }
}

[[noreturn]] void fail_unknown(const std::string& where, const std::string& name) {
  const std::string proposal = nearest(name, setting_names());
  fail_input(
      where + "unknown setting " + name +
      (proposal.empty() ? "; `spillway settings` lists all" : "; did you mean " + proposal + "?"));
}

using NodeReader = std::function<void(const std::string& name, const toml::node& node)>;

/// Walks the leaves of a file's table: tables are sections, everything else is a setting.
void for_each_leaf(const toml::table& table, const std::string& prefix, const NodeReader& visit) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    if (const toml::table* inner = node.as_table()) {
      for_each_leaf(*inner, name + ".", visit);
    } else {
      visit(name, node);
    }
  }
}

void read_file(const std::filesystem::path& file, Config& config) {
  std::ifstream stream(file);
  if (!stream) fail_input("cannot read the configuration " + file.string());
  toml::table table;
  try {
    table = toml::parse(stream, file.string());
  } catch (const toml::parse_error& error) {
    fail_input(file.string() + ":" + std::to_string(error.source().begin.line) +
               ": not TOML: " + std::string(error.description()));
  }
  for_each_leaf(table, "", [&](const std::string& name, const toml::node& node) {
    const std::string where = file.string() + ":" + std::to_string(node.source().begin.line) + ": ";
    bool known = false;
    for_each_setting(config, [&](const std::string& setting, const auto& field, auto& value) {
      if (setting != name) return;
      known = true;
      if (!read_node(node, value)) {
        fail_input(where + name + " = " + node_text(node) + " is not " + type_name(value));
      }
      check_limit(where, name, value, field.limit);
    });
    if (!known) fail_unknown(where, name);
  });
}

void apply_override(const Override& given, Config& config) {
  const auto& [name, text] = given;
  const std::string where = "command line: ";
  bool known = false;
  for_each_setting(config, [&](const std::string& setting, const auto& field, auto& value) {
    if (setting != name) return;
    known = true;
    if (!read_text(text, value))
      fail_input(where + name + " = " + text + " is not " + type_name(value));
    check_limit(where, name, value, field.limit);
  });
  if (!known) fail_unknown(where, name);
}

}  // namespace

Config read(const std::optional<std::filesystem::path>& file,
            const std::vector<Override>& overrides) {
  Config config;
  if (file) read_file(*file, config);
  for (const Override& given : overrides) apply_override(given, config);
  return config;
}

Config load(const std::optional<std::filesystem::path>& file,
            const std::vector<Override>& overrides) {
  const Config config = read(file, overrides);
  validate(config);
  return config;
}

std::string to_toml(const Config& config) {
  std::ostringstream text;
  for_each_section(config, [&](const char* name, const char* meaning, const auto& section) {
    text << (text.tellp() > 0 ? "\n" : "") << "[" << name << "]  # " << meaning << "\n";
    std::apply(
        [&](const auto&... field) {
          ((text << field.name << " = " << to_text(section.*field.member) << "\n"), ...);
        },
        std::remove_cvref_t<decltype(section)>::fields());
  });
  return text.str();
}

std::vector<Override> setting_values(const Config& config) {
  std::vector<Override> values;
  for_each_setting(config, [&](const std::string& name, const auto&, const auto& value) {
    values.emplace_back(name, to_text(value));
  });
  return values;
}

std::vector<std::string> setting_names() {
  std::vector<std::string> names;
  const Config defaults;
  for_each_setting(
      defaults, [&](const std::string& name, const auto&, const auto&) { names.push_back(name); });
  return names;
}

std::string settings_text() {
  std::ostringstream text;
  const Config defaults;
  for_each_setting(defaults, [&](const std::string& name, const auto& field, const auto& value) {
    std::string head = "  --" + name + "=" + to_text(value);
    if (!field.unit.empty()) head += " " + std::string(field.unit);
    head.resize(std::max<std::size_t>(head.size() + 2, 46), ' ');
    const std::string valid = valid_text(field.limit);
    text << head << field.meaning << (valid.empty() ? "" : " (" + valid + ")") << "\n";
  });
  return text.str();
}

std::string settings_markdown() {
  std::ostringstream text;
  text << "# Settings\n\n"
          "Written by `spillway settings --format markdown`. A setting comes from its default, "
          "then the TOML file, then the\n"
          "command line (`--section.key=value`); the later one wins. Complete files: `presets/`.\n";
  const Config defaults;
  const auto cell = [](std::string raw) {
    for (std::size_t at = 0; (at = raw.find('|', at)) != std::string::npos; at += 2)
      raw.insert(at, "\\");
    return raw;
  };
  for_each_section(defaults, [&](const char* name, const char* meaning, const auto& section) {
    text << "\n## [" << name << "]\n"
         << meaning
         << "\n\n| key | default | unit | valid | meaning |\n| --- | --- | --- | --- | --- |\n";
    std::apply(
        [&](const auto&... field) {
          ((text << "| `" << field.name << "` | `" << to_text(section.*field.member) << "` | "
                 << field.unit << " | " << cell(valid_text(field.limit)) << " | "
                 << cell(std::string(field.meaning)) << " |\n"),
           ...);
        },
        std::remove_cvref_t<decltype(section)>::fields());
  });
  return text.str();
}

}  // namespace spillway::config
