#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "data/corpus/manifest.hpp"

namespace spillway::trainer {

/// "1,234,567"
std::string with_commas(std::uint64_t value);

/// "28.4 MB"; powers of ten.
std::string readable_bytes(std::uint64_t bytes);

/// Bytes for a terminal: invalid UTF-8, control and invisible characters as \xNN or \u{N}; newlines
/// stay.
std::string printable(std::string_view bytes);

/// The part of a manifest that `corpus build`, `mutate` and `stats` print as JSON.
nlohmann::json summary_of(const data::Manifest& manifest);

/// The same for people: counts by category and language.
std::string summary_text(const data::Manifest& manifest);

}  // namespace spillway::trainer
