#pragma once

#include <string>
#include <vector>

#include "trainer/checkpoint/checkpoint.hpp"

namespace spillway::trainer {

/// One tensor that is not the same in two checkpoints.
struct Difference {
  std::string name;
  std::string what;  ///< "3 of 1024 elements differ by up to 1e-05, first at 17: 0.5 and 0.50001"
};

/// What two checkpoints disagree on. Same means same bits: a NaN equals itself, 0 and -0 differ.
struct Comparison {
  std::int64_t compared = 0;            ///< weights and optimizer state, of either
  std::vector<Difference> differences;  ///< in the order of names
  std::int64_t others = 0;              ///< tensors beside those, e.g. error feedback
  std::int64_t others_different = 0;    ///< of them; they depend on the layout and do not count
};

/// Reads and compares all tensors byte by byte. Weights and optimizer state are what is called
/// "model/..." and "optimizer/...". Throws Error(fault) when a tensor is damaged.
Comparison compare(const Checkpoint& a, const Checkpoint& b);

}  // namespace spillway::trainer
