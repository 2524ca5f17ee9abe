#include "configs/load.hpp"

#include <fstream>
#include <functional>
#include <sstream>

#include "configs/error.hpp"
#include "configs/setting_value.hpp"

namespace spillway::config {
namespace {

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
      read_node(where, name, node, field.limit, value);
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
    read_text(where, name, text, field.limit, value);
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
    for_each_field(section, [&](const auto& field, const auto& value) {
      text << field.name << " = " << to_text(value) << "\n";
    });
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
    for_each_field(section, [&](const auto& field, const auto& value) {
      text << "| `" << field.name << "` | `" << to_text(value) << "` | " << field.unit << " | "
           << cell(valid_text(field.limit)) << " | " << cell(std::string(field.meaning)) << " |\n";
    });
  });
  return text.str();
}

}  // namespace spillway::config
