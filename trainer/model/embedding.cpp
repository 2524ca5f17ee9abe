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

struct Embed : torch::autograd::Function<Embed> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& token_leaf,
                            const LookupTable& token, const LookupTable& position,
                            const at::Tensor& tokens) {
    static_cast<void>(token_leaf);
    context->saved_data["tokens"] = tokens;
    context->saved_data["token_gradient"] = token.gradient;
    if (position.used.defined()) context->saved_data["position_gradient"] = position.gradient;
    return look_up(tokens, token.used.detach(),
                   position.used.defined() ? position.used.detach() : position.used);
  }

  static variable_list backward(AutogradContext* context, variable_list output_gradients) {
    const at::Tensor tokens = context->saved_data["tokens"].toTensor().contiguous();
    const at::Tensor rows = output_gradients[0].to(at::kFloat).contiguous();
    add_rows(context->saved_data["token_gradient"].toTensor(), tokens, rows);
    if (context->saved_data.count("position_gradient") > 0) {
      const at::Tensor gradient = context->saved_data["position_gradient"].toTensor();
      gradient.narrow(0, 0, tokens.size(1)).add_(rows.sum(0));
    }
    return {at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor embed(const at::Tensor& tokens, const LookupTable& token, const LookupTable& position) {
  TORCH_CHECK(tokens.dim() == 2 && tokens.scalar_type() == at::kLong, "embed: tokens are ",
              tokens.scalar_type(), " ", tokens.sizes(), "; valid: int64 [B, T]");
  TORCH_CHECK(!position.used.defined() || tokens.size(1) <= position.used.size(0),
              "embed: ", tokens.size(1), " tokens, but positions for ",
              position.used.defined() ? position.used.size(0) : 0);
  if (!token.leaf.defined()) return look_up(tokens, token.used, position.used);
  return Embed::apply(token.leaf, token, position, tokens);
}

}  // namespace spillway::trainer
