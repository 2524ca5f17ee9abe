#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/util/intrusive_ptr.h>

#include <functional>
#include <vector>

namespace spillway::trainer {

/// The half of one micro-batch's backward that sums weight gradients into their accumulators (the
/// W of Qi et al. 2024, arXiv:2401.10241). The operators of a forward pass share one; their
/// backwards hand over each sum as it becomes possible, and it is done at once or kept for later:
/// the same sums in the same order, so the bits are the same. Not thread-safe.
class WeightGradients final : public c10::intrusive_ptr_target {
 public:
  /// Keep what add() brings until run().
  void defer() { deferred_ = true; }
  /// Called behind the sum into each accumulator, with that accumulator. A weight has one sum a
  /// micro-batch.
  void on_sum(std::function<void(const at::Tensor& accumulator)> notice) {
    notice_ = std::move(notice);
  }

  /// `sum` adds to `accumulator`; it holds what it needs for that.
  void add(const at::Tensor& accumulator, std::function<void()> sum);
  /// Does what was kept, in the order it came, and lets go of it.
  void run();

 private:
  struct Kept {
    at::Tensor accumulator;
    std::function<void()> sum;
  };

  void sum_up(const at::Tensor& accumulator, const std::function<void()>& sum);

  bool deferred_ = false;
  std::vector<Kept> kept_;
  std::function<void(const at::Tensor&)> notice_;
};

using WeightGradientsPtr = c10::intrusive_ptr<WeightGradients>;

/// A parameter as one use of it in a forward pass sees it. Autograd does not know it: an operator
/// reads `used` and hands the weight's gradient to `gradients`. A bfloat16 gradient is added in
/// float32, so that small ones are not swamped; it passes a rounding of the weight unchanged (the
/// straight-through estimator).
struct Weight {
  Weight() = default;
  /// Not trained.
  Weight(at::Tensor value) : used(std::move(value)) {}
  Weight(at::Tensor value, at::Tensor sum, WeightGradientsPtr sums)
      : used(std::move(value)), accumulator(std::move(sum)), gradients(std::move(sums)) {}

  at::Tensor used;         ///< master or its rounded copy; undefined: there is no such weight
  at::Tensor accumulator;  ///< float32, of the shape of `used`; undefined: not trained
  WeightGradientsPtr gradients;
  /// The master, where entries beyond kBf16Overflow must get no gradient; else undefined.
  at::Tensor masked_by;

  bool trained() const { return accumulator.defined(); }
};

/// Hands `gradient`, which is computed already, to the sums of `weight`; nothing if it is not
/// trained.
void add_gradient(const Weight& weight, const at::Tensor& gradient);

/// A weight among what an autograd node keeps for its backward.
c10::IValue keep(const Weight& weight);
const Weight& kept_weight(const c10::IValue& kept);

}  // namespace spillway::trainer
