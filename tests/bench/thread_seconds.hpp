#pragma once

#include <ctime>

namespace spillway::bench {

/// Processor time of this thread, in seconds: other processes do not count.
inline double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace spillway::bench
