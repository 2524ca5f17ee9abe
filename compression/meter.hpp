#pragma once

#include <chrono>
#include <mutex>
#include <utility>

#include "compression/gradient_exchange.hpp"

namespace spillway::compression {

/// Collects ExchangeStatistics; any thread may add or take.
class Meter {
 public:
  void count_dense(std::int64_t bytes) { add(&ExchangeStatistics::dense_bytes, bytes); }
  void count_sent(std::int64_t bytes) { add(&ExchangeStatistics::sent_bytes, bytes); }
  void count_wire(double bytes) { add(&ExchangeStatistics::wire_bytes, bytes); }
  void set_error_norm(double norm) {
    const std::lock_guard lock(mutex_);
    total_.error_norm = norm;
  }
  /// What was collected since the last call; the error norm stays.
  ExchangeStatistics take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(total_, ExchangeStatistics{.error_norm = total_.error_norm});
  }

  /// Adds the time from construction to destruction to one of the phases.
  class Timer {
   public:
    Timer(Meter& meter, double ExchangeStatistics::*phase) : meter_(meter), phase_(phase) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { meter_.add(phase_, std::chrono::duration<double>(Clock::now() - begin_).count()); }

   private:
    using Clock = std::chrono::steady_clock;
    Meter& meter_;
    double ExchangeStatistics::*phase_;
    Clock::time_point begin_ = Clock::now();
  };

 private:
  template <class Value>
  void add(Value ExchangeStatistics::*member, Value amount) {
    const std::lock_guard lock(mutex_);
    total_.*member += amount;
  }

  std::mutex mutex_;
  ExchangeStatistics total_;
};

}  // namespace spillway::compression
