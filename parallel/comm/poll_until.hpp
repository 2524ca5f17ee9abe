#pragma once

#include <chrono>
#include <functional>

namespace spillway::comm {

/// Asks `ready` over and over, sleeping 0.1 to 10 ms in between, until it says true or `limit` has
/// passed; returns its last answer.
bool poll_until(const std::function<bool()>& ready, std::chrono::milliseconds limit);

}  // namespace spillway::comm
