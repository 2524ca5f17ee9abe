#include "trainer/commands/compress_advise_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace spillway::trainer {
namespace {

constexpr int kScanned = 64;
constexpr double kTiny = 1e-12;  ///< seconds that rounding may leave over
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The exchange thread: which bucket, which of its phases, how much of it is left.
class Exchange {
 public:
  explicit Exchange(const std::vector<BucketCost>& buckets) : buckets_(buckets) { enter(); }

  bool done() const { return bucket_ == buckets_.size(); }
  bool ready(double computed) const {
    return !done() && buckets_[bucket_].ready_seconds <= computed + kTiny;
  }
  double next_ready() const { return done() ? kInfinity : buckets_[bucket_].ready_seconds; }
  bool on_wire() const { return phase_ == 1; }
  double left() const { return left_; }
  void spend(double seconds) {
    left_ -= seconds;
    if (left_ > kTiny) return;
    phase_ = (phase_ + 1) % 3;
    if (phase_ == 0) ++bucket_;
    enter();
  }

 private:
  void enter() {
    if (done()) return;
    const BucketCost& cost = buckets_[bucket_];
    left_ = std::array{cost.compress_seconds, cost.wire_seconds, cost.decompress_seconds}.at(
        static_cast<std::size_t>(phase_));
  }

  const std::vector<BucketCost>& buckets_;
  std::size_t bucket_ = 0;
  int phase_ = 0;
  double left_ = 0;
};

}  // namespace

StepPrediction predict_step(const StepBase& base, const std::vector<BucketCost>& buckets) {
  Exchange exchange(buckets);
  double now = 0, computed = 0, computing_ended = 0;
  while (computed < base.compute_seconds || !exchange.done()) {
    const bool computes = computed < base.compute_seconds;
    const bool exchanges = exchange.ready(computed) || (!computes && !exchange.done());
    const bool both = computes && exchanges;
    const double computing = !computes            ? 0
                             : !both              ? 1
                             : exchange.on_wire() ? base.rate_beside_wire
                                                  : base.rate_beside_compute;
    const double exchanging = both && !exchange.on_wire() ? base.rate_beside_compute : 1;
    double until = computing > 0 ? (base.compute_seconds - computed) / computing : kInfinity;
    if (exchanges) {
      until = std::min(until, exchange.left() / exchanging);
    } else if (exchange.next_ready() > computed) {
      until = std::min(until, exchange.next_ready() - computed);
    }
    now += until;
    computed += until * computing;
    if (computes && base.compute_seconds - computed < kTiny) computed = base.compute_seconds;
    if (computes) computing_ended = now;
    if (exchanges) exchange.spend(until * exchanging);
  }
  return {.step_seconds = now + base.update_seconds, .exposed_seconds = now - computing_ended};
}

std::optional<double> break_even_without_overlap(double dense_bytes, double bytes,
                                                 double extra_seconds) {
  const double saved = dense_bytes - bytes;
  if (extra_seconds <= 0) return saved >= 0 ? std::optional(kInfinity) : std::nullopt;
  if (saved <= 0) return std::nullopt;
  return saved / extra_seconds;
}

std::optional<double> break_even(const std::function<double(double)>& gain, double low,
                                 double high) {
  if (gain(high) > 0) return high;
  const double step = std::pow(high / low, 1.0 / (kScanned - 1));
  double fails = high, pays = high / step;
  while (pays >= low * 0.999 && !(gain(pays) > 0)) {
    fails = pays;
    pays /= step;
  }
  if (pays < low * 0.999) return std::nullopt;
  while (fails / pays > 1.001) {
    const double middle = std::sqrt(fails * pays);
    (gain(middle) > 0 ? pays : fails) = middle;
  }
  return pays;
}

}  // namespace spillway::trainer
