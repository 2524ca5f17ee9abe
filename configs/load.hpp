#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "configs/schema.hpp"

namespace spillway::config {

/// A setting given on the command line: full name ("model.layers") and text of the value.
using Override = std::pair<std::string, std::string>;

/// Default < TOML file < overrides, then validate(). Throws Error(input), one line, for an unknown
/// key (proposing the nearest), a value of the wrong type or out of range, an unreadable file,
/// contradictory settings.
Config load(const std::optional<std::filesystem::path>& file,
            const std::vector<Override>& overrides);

/// The whole configuration as TOML, with the meaning of each setting beside it; load() of it gives
/// the same configuration.
std::string to_toml(const Config& config);

/// Full names of all settings, in file order.
std::vector<std::string> setting_names();

/// One line per setting: name, default, unit, meaning, what is valid.
std::string settings_text();

/// The reference page configs/README.md.
std::string settings_markdown();

}  // namespace spillway::config
