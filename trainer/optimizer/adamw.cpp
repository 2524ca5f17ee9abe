#include "trainer/optimizer/adamw.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace spillway::trainer {

AdamW::AdamW(const config::OptimizerConfig& config, ParameterStore& store)
    : config_(config),
      store_(store),
      exp_avg_(at::zeros_like(store.weights())),
      exp_avg_sq_(at::zeros_like(store.weights())),
      step_(at::zeros({}, store.weights().options())) {}

void AdamW::step(double learning_rate, double gradient_scale) {
  const at::NoGradGuard no_grad;
  if (gradient_scale != 1.0) store_.gradients().mul_(gradient_scale);
  set_steps_taken(steps_taken_ + 1);
  const std::int64_t decaying = store_.decay_numel();
  update(0, decaying, learning_rate, config_.weight_decay);
  update(decaying, store_.numel() - decaying, learning_rate, 0.0);
  store_.weights_changed();
}

void AdamW::update(std::int64_t begin, std::int64_t length, double learning_rate,
                   double weight_decay) {
  if (length == 0) return;
  const auto part = [&](const at::Tensor& flat) {
    return std::vector{flat.narrow(0, begin, length)};
  };
  at::_fused_adamw_(part(store_.weights()), part(store_.gradients()), part(exp_avg_),
                    part(exp_avg_sq_), {}, {step_}, learning_rate, config_.beta1, config_.beta2,
                    weight_decay, config_.epsilon, /*amsgrad=*/false,
                    /*maximize=*/false);
}

void AdamW::set_steps_taken(std::int64_t steps) {
  steps_taken_ = steps;
  step_.fill_(static_cast<double>(steps));
}

std::vector<OptimizerState> AdamW::state() const {
  std::vector<OptimizerState> state;
  for (const Parameter& parameter : store_.parameters()) {
    const ParameterSpec& spec = parameter.spec;
    for (const auto& [what, flat] :
         {std::pair{"exp_avg", exp_avg_}, std::pair{"exp_avg_sq", exp_avg_sq_}}) {
      const at::Tensor view = flat.narrow(0, parameter.offset, spec.numel()).view(spec.shape);
      state.push_back({spec.name + "/" + what, spec.name, view});
    }
  }
  return state;
}

}  // namespace spillway::trainer
