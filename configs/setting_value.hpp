#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <string>
#include <vector>

#include "configs/field.hpp"
#include "configs/schema.hpp"

/// One setting's value: its text, its TOML node, what is valid. For every type that a Field has.
namespace spillway::config {

/// As it stands in a TOML file.
std::string to_text(bool value);
std::string to_text(std::int64_t value);
std::string to_text(double value);
std::string to_text(const std::string& value);
std::string to_text(const std::vector<std::int64_t>& value);
std::string to_text(const std::vector<CompressionRule>& value);

/// Reads a TOML node, throwing Error(input) that begins with `where` and names the setting when the
/// type does not fit or the value is out of range. A whole number is also a number.
template <class Value>
void read_node(const std::string& where, const std::string& name, const toml::node& node,
               const Limit& limit, Value& value);

/// The same from the text of the command line; text settings take it as it is.
template <class Value>
void read_text(const std::string& where, const std::string& name, const std::string& text,
               const Limit& limit, Value& value);

/// What is valid, for a person: "1 to 5", "gpt2 | llama"; empty: everything of the type.
std::string valid_text(const Limit& limit);

/// Calls visit(field, value) for every setting of a section.
template <class Section, class Visitor>
void for_each_field(Section& section, Visitor&& visit) {
  std::apply([&](const auto&... field) { (visit(field, section.*field.member), ...); },
             std::remove_cvref_t<Section>::fields());
}

/// Calls visit(full name, field, value) for every setting.
template <class C, class Visitor>
void for_each_setting(C& config, Visitor&& visit) {
  for_each_section(config, [&](const char* section_name, const char*, auto& section) {
    for_each_field(section, [&](const auto& field, auto& value) {
      visit(std::string(section_name) + "." + std::string(field.name), field, value);
    });
  });
}

}  // namespace spillway::config
