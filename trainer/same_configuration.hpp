#pragma once

#include <optional>
#include <string>

#include "configs/schema.hpp"
#include "parallel/comm/communicator.hpp"

namespace spillway::trainer {

/// A setting that two configurations do not share, with the values as they stand in TOML.
struct SettingDifference {
  std::string name;  ///< "compression.method"
  std::string first, second;
};

/// Every setting, "name = value" a line.
std::string setting_lines(const config::Config& config);

/// The first difference between two lists of settings, "name = value" a line; the value of a
/// setting that one of them does not have (another version of the program) is "nothing".
std::optional<SettingDifference> first_difference(const std::string& first,
                                                  const std::string& second);

/// Ranks that read different files would exchange messages that do not fit. Throws the same
/// Error(input) on every rank, naming the first rank and setting that differ: 'rank 2 has
/// compression.method = "bf16", rank 0 "none"'. Collective over `world`, which carries CPU tensors.
void check_same_configuration(const config::Config& config, comm::Communicator& world);

}  // namespace spillway::trainer
