#pragma once

#include <string>

#include "trainer/commands/compress_advise_choose.hpp"

namespace spillway::trainer {

/// The best method of each group as sections of a configuration file: [compression] has the one
/// that most groups share, and [[compression.rules]] have the others', with regular expressions
/// that match the names of their parameters only.
std::string mix_rules(const Advice& advice);

}  // namespace spillway::trainer
