#include "parallel/pipeline/paced_stage.hpp"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include "parallel/pipeline/pace.hpp"

namespace spillway::pipeline {

PacedStage::PacedStage(const Options& options)
    : options_(options), edge_(at::zeros({options.edge_bytes}, at::kByte)) {}

at::Tensor PacedStage::make_input(int /*microbatch*/) { return at::empty_like(edge_); }

at::Tensor PacedStage::forward(int /*microbatch*/, at::Tensor /*input*/) {
  pace(options_.costs.forward);
  return options_.stage + 1 < options_.stages ? edge_ : at::Tensor();
}

at::Tensor PacedStage::backward(int /*microbatch*/, at::Tensor /*output_gradient*/) {
  pace(options_.costs.backward);
  return gradient();
}

at::Tensor PacedStage::backward_input(int /*microbatch*/, at::Tensor /*output_gradient*/) {
  pace(options_.costs.backward_input);
  return gradient();
}

void PacedStage::backward_weight(int /*microbatch*/) { pace(options_.costs.backward_weight); }

at::Tensor PacedStage::gradient() const { return options_.stage > 0 ? edge_ : at::Tensor(); }

}  // namespace spillway::pipeline
