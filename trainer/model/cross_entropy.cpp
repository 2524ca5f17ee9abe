#include "trainer/model/cross_entropy.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace spillway::trainer {

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         std::int64_t vocabulary, std::optional<double> gradient_scale) {
  TORCH_CHECK(logits.dim() == 2 && targets.dim() == 1 && targets.size(0) == logits.size(0) &&
                  vocabulary <= logits.size(1),
              "cross_entropy: logits ", logits.sizes(), ", targets ", targets.sizes(),
              ", vocabulary ", vocabulary);
  const at::NoGradGuard no_grad;
  const at::Tensor raw = logits.detach();
  const at::Tensor ignored = targets.eq(kIgnoredTarget);
  const at::Tensor index = targets.masked_fill(ignored, 0).unsqueeze(1);
  at::Tensor log_probability = at::log_softmax(raw.narrow(1, 0, vocabulary), 1, at::kFloat);
  const at::Tensor picked = log_probability.gather(1, index).squeeze(1).masked_fill(ignored, 0);
  const at::Tensor loss = picked.to(at::kDouble).sum().neg();
  if (gradient_scale) {
    const at::Tensor& gradient = log_probability.exp_();
    gradient.scatter_add_(1, index, at::full_like(index, -1, gradient.options()));
    gradient.mul_(*gradient_scale).masked_fill_(ignored.unsqueeze(1), 0);
    raw.narrow(1, 0, vocabulary).copy_(gradient);
    raw.narrow(1, vocabulary, raw.size(1) - vocabulary).zero_();
  }
  return loss;
}

}  // namespace spillway::trainer
