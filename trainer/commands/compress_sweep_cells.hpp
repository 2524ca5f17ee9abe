#pragma once

#include <string>
#include <vector>

#include "compression/bucket.hpp"
#include "configs/command_line.hpp"
#include "configs/schema.hpp"

namespace spillway::trainer {

/// One point of a sweep: a configuration whose section compression is the cell's.
struct SweepCell {
  std::string name;  ///< "powersgd,approximation_rank=4,wire=bf16"
  std::vector<config::Override> settings = {};
  config::Config config = {};
};

/// What every sweep compares with: bfloat16 gradients, whole, exchanged beside the backward.
inline constexpr const char* kBaselineCell = "bf16";

/// Cells of a list "none;bf16;powersgd,approximation_rank=4,wire=bf16": cells divided by ";",
/// settings of section compression by ",", the first word may be the method alone. kBaselineCell
/// comes first where the list has it not. A cell's configuration is that of `arguments` with the
/// cell's settings on top. Throws Error(input) for an unknown setting, a bad value, a cell given
/// twice.
std::vector<SweepCell> parse_cells(const std::string& list, const config::Arguments& arguments);

/// The list for --cells when none is given: each method of compression.method, with each rank, wire
/// format, density and quantization that changes the bytes it sends for `parameters`.
std::string default_cells(const config::Arguments& arguments,
                          const std::vector<compression::ParameterShape>& parameters);

}  // namespace spillway::trainer
