#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "parallel/comm/communicator.hpp"

namespace spillway::comm {

/// What the suite may expect of a backend beyond the contract.
struct Backend {
  at::DeviceType device = at::kCPU;
  bool rounds_once = true;  ///< sums of 16-bit floats are exact in float32 and rounded once
  bool keeps_nan = true;    ///< max of a NaN and anything is a NaN
};

/// One sentence of the Communicator contract, checked by all ranks of `world` together.
struct ConformanceCase {
  std::string name;
  std::function<void(Communicator& world, const Backend& backend)> check;
};

/// The contract; every backend with peers runs all of it.
const std::vector<ConformanceCase>& conformance_cases();

/// Calls `body(communicator)` on `size` threads, one for each rank of a thread group. What one
/// throws becomes a test failure.
void on_threads(int size, const std::function<void(Communicator&)>& body);

}  // namespace spillway::comm
