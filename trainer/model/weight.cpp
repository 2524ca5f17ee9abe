#include "trainer/model/weight.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "trainer/precision/quantize.hpp"

namespace spillway::trainer {
namespace {

struct KeptWeight final : torch::CustomClassHolder {
  explicit KeptWeight(const Weight& kept) : weight(kept) {}
  Weight weight;
};

}  // namespace

void WeightGradients::add(const at::Tensor& accumulator, std::function<void()> sum) {
  if (deferred_) {
    kept_.push_back({accumulator, std::move(sum)});
  } else {
    sum_up(accumulator, sum);
  }
}

void WeightGradients::run() {
  deferred_ = false;
  for (Kept& kept : kept_) {
    sum_up(kept.accumulator, kept.sum);
    kept = {};
  }
  kept_.clear();
}

void WeightGradients::sum_up(const at::Tensor& accumulator, const std::function<void()>& sum) {
  const at::NoGradGuard no_grad;
  sum();
  if (notice_) notice_(accumulator);
}

void add_gradient(const Weight& weight, const at::Tensor& gradient) {
  if (!weight.trained()) return;
  // Not the whole weight: it holds the sums that would hold it.
  const auto sum = [accumulator = weight.accumulator, master = weight.masked_by, gradient] {
    accumulator.add_(master.defined() ? gradient.masked_fill(master.abs().ge(kBf16Overflow), 0)
                                      : gradient);
  };
  weight.gradients->add(weight.accumulator, sum);
}

c10::IValue keep(const Weight& weight) {
  return c10::IValue::make_capsule(c10::make_intrusive<KeptWeight>(weight));
}

const Weight& kept_weight(const c10::IValue& kept) {
  return static_cast<const KeptWeight&>(*kept.toCapsule()).weight;
}

}  // namespace spillway::trainer
