#include "parallel/pipeline/pace.hpp"

#include <sys/prctl.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <ctime>

namespace spillway::pipeline {

void pace(double seconds) {
  // Of this thread, once: the kernel may otherwise end a sleep 50 us late to save wake-ups.
  [[maybe_unused]] thread_local const int slack = prctl(PR_SET_TIMERSLACK, 1000UL /* ns */);
  constexpr std::int64_t kSecond = 1'000'000'000;
  timespec until{};
  clock_gettime(CLOCK_MONOTONIC, &until);
  const std::int64_t nanoseconds = until.tv_nsec + std::llround(seconds * kSecond);
  until.tv_sec += nanoseconds / kSecond;
  until.tv_nsec = nanoseconds % kSecond;
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

}  // namespace spillway::pipeline
