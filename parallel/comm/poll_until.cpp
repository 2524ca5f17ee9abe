#include "parallel/comm/poll_until.hpp"

#include <algorithm>
#include <thread>

namespace spillway::comm {

bool poll_until(const std::function<bool()>& ready, std::chrono::milliseconds limit) {
  constexpr std::chrono::microseconds kFirst{100}, kLongest{10'000};
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (auto pause = kFirst;; pause = std::min(2 * pause, kLongest)) {
    if (ready()) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace spillway::comm
