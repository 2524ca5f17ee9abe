#include "trainer/model/embedding.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace spillway::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor look_up(const at::Tensor& tokens, const at::Tensor& token_table,
                   const at::Tensor& position_table) {
  at::Tensor rows =
      token_table.index_select(0, tokens.reshape({-1})).view({tokens.size(0), tokens.size(1), -1});
  if (position_table.defined()) rows.add_(position_table.narrow(0, 0, tokens.size(1)));
  return rows;
}

/// table[tokens[i]] += rows[i], for i in order. ATen's own sums on the CPU go through one tensor
/// object per token.
void add_rows(const at::Tensor& table, const at::Tensor& tokens, const at::Tensor& rows) {
  if (!table.is_cpu()) {
    table.add_(at::embedding_dense_backward(rows, tokens, table.size(0), -1, false));
    return;
  }
  const std::int64_t width = table.size(1);
  const std::int64_t* token = tokens.const_data_ptr<std::int64_t>();
  const float* source = rows.const_data_ptr<float>();
  float* target = table.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < tokens.numel(); ++i) {
    float* row = target + token[i] * width;
    for (std::int64_t d = 0; d < width; ++d) row[d] += source[i * width + d];
  }
}

/// Adds the gradient of the looked-up rows [B, T, D] to both tables' accumulators.
void add_gradients(const Weight& token, const Weight& position, const at::Tensor& tokens,
                   const at::Tensor& gradient) {
  const at::Tensor rows = gradient.to(at::kFloat).contiguous();
  if (token.trained()) {
    token.gradients->add(token.accumulator,
                         [accumulator = token.accumulator, tokens = tokens.contiguous(), rows] {
                           add_rows(accumulator, tokens, rows);
                         });
  }
  if (position.trained()) {
    position.gradients->add(position.accumulator, [accumulator = position.accumulator, rows] {
      accumulator.narrow(0, 0, rows.size(1)).add_(rows.sum(0));
    });
  }
}

/// `anchor` requires a gradient, which ties the rows to the autograd graph; it gets none.
struct Embed : torch::autograd::Function<Embed> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& anchor, const Weight& token,
                            const Weight& position, const at::Tensor& tokens) {
    static_cast<void>(anchor);
    context->saved_data["tokens"] = tokens;
    context->saved_data["token"] = keep(token);
    context->saved_data["position"] = keep(position);
    return look_up(tokens, token.used, position.used);
  }

  static variable_list backward(AutogradContext* context, variable_list output_gradients) {
    add_gradients(kept_weight(context->saved_data["token"]),
                  kept_weight(context->saved_data["position"]),
                  context->saved_data["tokens"].toTensor(), output_gradients[0]);
    return {at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor embed(const at::Tensor& tokens, const Weight& token, const Weight& position) {
  TORCH_CHECK(tokens.dim() == 2 && tokens.scalar_type() == at::kLong, "embed: tokens are ",
              tokens.scalar_type(), " ", tokens.sizes(), "; valid: int64 [B, T]");
  TORCH_CHECK(!position.used.defined() || tokens.size(1) <= position.used.size(0),
              "embed: ", tokens.size(1), " tokens, but positions for ",
              position.used.defined() ? position.used.size(0) : 0);
  const at::Tensor anchor = at::empty({0}).set_requires_grad(token.trained());
  return Embed::apply(anchor, token, position, tokens);
}

}  // namespace spillway::trainer
