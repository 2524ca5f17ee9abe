#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace spillway::config {

/// Which values a setting accepts; the default accepts everything of the setting's type.
struct Limit {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::string_view choices = "";  ///< "gpt2 | llama"; empty: free text
};

constexpr Limit at_least(double min) { return {.min = min}; }
constexpr Limit between(double min, double max) { return {.min = min, .max = max}; }
constexpr Limit one_of(std::string_view choices) { return {.choices = choices}; }

/// One setting of a section: its name, where it lives, what it means, in which unit, what is valid.
/// Types
/// of a value: see setting_value.hpp.
template <class Section, class Value>
struct Field {
  std::string_view name;
  Value Section::*member;
  std::string_view meaning;
  std::string_view unit = "";
  Limit limit = {};
};

}  // namespace spillway::config
