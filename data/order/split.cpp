#include "data/order/split.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "configs/error.hpp"

namespace spillway::data {
namespace {

constexpr RandomKey kSplitKey(
    0x5350494c4c574159ULL);  // of no run: the split is a property of the corpus

}  // namespace

Split::Split(std::uint64_t samples, std::uint64_t base_count, double share)
    : samples_(samples),
      base_count_(base_count),
      rounds_(0),
      rank_(std::max<std::uint64_t>(base_count, 1), kSplitKey) {
  if (base_count == 0 || base_count > samples || !(share >= 0 && share <= 0.5)) {
    fail("split of " + std::to_string(samples) + " samples, " + std::to_string(base_count) +
         " base samples, share " + std::to_string(share) +
         "; valid: 1 <= base samples <= samples, share 0 to 0.5");
  }
  rounds_ = (samples + base_count - 1) / base_count;
  if (share > 0 && base_count >= 2) {
    const auto wanted =
        static_cast<std::uint64_t>(std::llround(share * static_cast<double>(base_count)));
    held_out_ = std::clamp<std::uint64_t>(wanted, 1, base_count - 1);
  }
}

std::optional<std::uint64_t> Split::train_id(std::uint64_t t) const {
  const std::uint64_t per_round = base_count_ - held_out_;
  const std::uint64_t id = t / per_round * base_count_ + rank_(held_out_ + t % per_round);
  if (id >= samples_) return std::nullopt;
  return id;
}

TrainingPool::TrainingPool(const SamplePool& base, std::uint64_t base_count, double share)
    : base_(base), split_(base_count, base_count, share) {}

}  // namespace spillway::data
