#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "configs/schema.hpp"

namespace spillway::config {

/// A setting as text: full name ("model.layers") and value, as on the command line.
using Override = std::pair<std::string, std::string>;

/// Default < TOML file < overrides. Throws Error(input), one line, for an unknown key (proposing
/// the nearest), a value of the wrong type or out of range, an unreadable file.
Config read(const std::optional<std::filesystem::path>& file,
            const std::vector<Override>& overrides);

/// read(), then validate(), which throws Error(input) for contradictory settings.
Config load(const std::optional<std::filesystem::path>& file,
            const std::vector<Override>& overrides);

/// The whole configuration as TOML, with the meaning of each setting beside it; load() of it gives
/// the same configuration.
std::string to_toml(const Config& config);

/// Every setting with its value as text (as it stands in the TOML file), in file order.
std::vector<Override> setting_values(const Config& config);

/// Full names of all settings, in file order.
std::vector<std::string> setting_names();

/// One line per setting: name, default, unit, meaning, what is valid.
std::string settings_text();

/// The reference page configs/README.md.
std::string settings_markdown();

}  // namespace spillway::config
