#pragma once

#include <string>
#include <vector>

#include "configs/schema.hpp"

namespace spillway::config {

/// How the gradient of a parameter travels: the settings of [compression], changed by the first
/// rule that matches its name.
CompressionMethod method_of(const CompressionConfig& config, const std::string& parameter);

/// The regular expressions of rules that hold for none of the parameters.
std::vector<std::string> idle_rules(const CompressionConfig& config,
                                    const std::vector<std::string>& parameters);

}  // namespace spillway::config
