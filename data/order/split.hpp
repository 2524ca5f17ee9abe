#pragma once

#include <cstdint>
#include <optional>

#include "data/mutate/operator.hpp"
#include "data/order/permutation.hpp"

namespace spillway::data {

/// Which samples of a corpus train and which are held out. The split is by base sample: sample j
/// descends from base j % base_count, and a mutant goes where its base goes. A fixed permutation
/// ranks the base samples, the first round(share * base_count) ranks are held out: the same ones
/// for every seed, and a larger share holds out a superset. Constant memory; both sides can be
/// enumerated directly.
class Split {
 public:
  /// `share` in [0, 0.5]. When share > 0 and there are two base samples or more, at least one is
  /// held out and one is not.
  Split(std::uint64_t samples, std::uint64_t base_count, double share);

  bool held_out(std::uint64_t base_id) const { return rank_.inverse(base_id) < held_out_; }
  /// Held-out base samples; validation_id(i) is the i-th.
  std::uint64_t validation_size() const { return held_out_; }
  std::uint64_t validation_id(std::uint64_t i) const { return rank_(i); }
  /// Places of the training side; train_id(t) is the sample at the t-th, or nothing where the last,
  /// partial round of mutants has none.
  std::uint64_t train_size() const { return rounds_ * (base_count_ - held_out_); }
  std::optional<std::uint64_t> train_id(std::uint64_t t) const;

 private:
  std::uint64_t samples_, base_count_, rounds_;
  std::uint64_t held_out_ = 0;
  Permutation rank_;
};

/// The base samples of a corpus that are not held out at `share`, as a pool to quote from: what is
/// quoted in a training sample must never be text that validates. At share 0.5 (the most a run can
/// hold out) the pool is safe for every run.
class TrainingPool : public SamplePool {
 public:
  /// `base` gives the base samples: ids [0, base_count). It must outlive this pool.
  TrainingPool(const SamplePool& base, std::uint64_t base_count, double share);

  std::uint64_t size() const override { return split_.train_size(); }
  Sample get(std::uint64_t index) const override { return base_.get(*split_.train_id(index)); }

 private:
  const SamplePool& base_;
  Split split_;
};

}  // namespace spillway::data
