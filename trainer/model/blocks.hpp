#pragma once

#include <ATen/core/Tensor.h>

#include "configs/schema.hpp"
#include "trainer/model/linear.hpp"
#include "trainer/model/norm.hpp"
#include "trainer/model/rotary.hpp"

/// The layers of both families as functions of their weights. Shapes: B batch, T sequence, D
/// hidden, V padded vocabulary.
///
/// The type of the activations decides the arithmetic: with bfloat16 activations and weights every
/// GEMM, norm and residual sum computes in float32 inside and rounds its result once, to nearest
/// even. Norm weights are float32 in training (holding bfloat16 values in QAT), because a norm
/// computes in float32; plain bfloat16 ones give the same bits.
namespace spillway::trainer {

struct LayerWeights {
  NormWeights attention_norm;
  LinearWeights query_key_value;  ///< rows: all queries, all keys, all values
  LinearWeights attention_output;
  NormWeights mlp_norm;
  LinearWeights mlp_in;  ///< gpt2: up [F, D]; llama: gate, then up [2F, D]
  LinearWeights mlp_out;
};

/// Causal self-attention with rotary positions for llama, through LibTorch's flash attention. x [B,
/// T, D] -> [B, T, D].
at::Tensor attention(const at::Tensor& x, const LayerWeights& weights,
                     const config::ModelConfig& model, const RotaryTables& rotary);

/// gpt2: tanh-GELU; llama: SwiGLU (Shazeer 2020, arXiv:2002.05202).
at::Tensor mlp(const at::Tensor& x, const LayerWeights& weights, const config::ModelConfig& model);

/// One pre-norm transformer layer, residuals included.
at::Tensor layer(const at::Tensor& x, const LayerWeights& weights, const config::ModelConfig& model,
                 const RotaryTables& rotary);

}  // namespace spillway::trainer
