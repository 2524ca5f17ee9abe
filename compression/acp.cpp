#include "compression/acp.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/zeros_like.h>

#include <limits>

#include "compression/low_rank/orthogonalize.hpp"
#include "compression/low_rank/skinny_gemm.hpp"

namespace spillway::compression {
namespace {

enum Buffer : std::uint8_t { kPayload, kOwn };

}  // namespace

/// A compressed gradient of the bucket in work. `left`: whether P is new in this step, else Q.
struct Acp::Slot {
  Parameter& parameter;
  ErrorFeedback* feedback;
  at::Tensor grad_MN;
  at::Tensor fixed;  // the factor of the step before, orthonormal
  at::Tensor fresh;  // view of the payload
  bool left = true;
};

Acp::Acp(const config::CompressionConfig& config, const config::CompressionMethod& method,
         const std::vector<Member>& members, comm::Communicator& replicas, Meter& meter,
         std::uint64_t seed)
    : config_(config), method_(method), seed_(seed), wire_(replicas, method.wire, meter) {
  for (const Member& member : members) {
    index_.emplace(member.name, parameters_.size());
    parameters_.emplace_back(member);
  }
  draw_first_factors(parameters_, seed_, 0);
}

void Acp::begin_step(std::int64_t step) {
  steps_ = step - method_.start_step;
  if (steps_ >= 0 && !config_.warm_start) draw_first_factors(parameters_, seed_, steps_);
}

void Acp::exchange(std::span<Piece> pieces) {
  std::vector<Slot> slots;
  std::vector<at::Tensor> whole;
  std::int64_t factors = 0, numel = 0;
  for (const Piece& piece : pieces) {
    Parameter& parameter = parameters_[index_.at(*piece.name)];
    if (!parameter.compressed) {
      whole.push_back(piece.gradient.view(-1));
      numel += piece.gradient.numel();
      continue;
    }
    const auto& [rows, columns, rank] = parameter.low_rank;
    const bool left = !config_.warm_start || steps_ % 2 == 0 || !parameter.p_RM.current().defined();
    slots.push_back(
        {parameter, piece.feedback, piece.gradient.view({rows, columns}), {}, {}, left});
    factors += rank * (left ? rows : columns);
  }
  numel += factors;
  const at::TensorOptions options = pieces.front().gradient.options();
  at::Tensor payload = workspace_.get(kPayload, numel, options);
  at::Tensor own = workspace_.get(kOwn, factors, options);
  std::int64_t offset = 0;
  {
    const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::compress_seconds);
    for (Slot& slot : slots) {
      const auto& [rows, columns, rank] = slot.parameter.low_rank;
      const std::int64_t across = slot.left ? rows : columns;
      slot.fresh = payload.narrow(0, offset, rank * across).view({rank, across});
      offset += rank * across;
      compress(slot);
    }
    own.copy_(wire_.as_sent(payload.narrow(0, 0, factors)));
    for (const at::Tensor& gradient : whole) {
      payload.narrow(0, offset, gradient.numel()).copy_(gradient);
      offset += gradient.numel();
    }
  }
  wire_.sum(payload);
  const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::decompress_seconds);
  payload.div_(wire_.replicas());
  offset = 0;
  for (Slot& slot : slots) {
    rebuild(slot, own.narrow(0, offset, slot.fresh.numel()).view_as(slot.fresh));
    offset += slot.fresh.numel();
  }
  for (const at::Tensor& gradient : whole) {
    gradient.copy_(payload.narrow(0, offset, gradient.numel()));
    offset += gradient.numel();
  }
}

/// Fresh = D Q^T or P D.
void Acp::compress(Slot& slot) const {
  Parameter& parameter = slot.parameter;
  const at::Tensor error = slot.feedback ? slot.feedback->current_as(slot.grad_MN) : at::Tensor();
  if (slot.left) {
    const bool warm = config_.warm_start && parameter.q_RN.current().defined();
    slot.fixed =
        (warm ? parameter.q_RN.current() : parameter.first_q_RN).to(slot.grad_MN.device()).clone();
    orthogonalize(slot.fixed);
    project(slot.grad_MN, error, slot.fixed, slot.fresh);
  } else {
    slot.fixed = parameter.p_RM.current().clone();
    orthogonalize(slot.fixed);
    if (error.defined()) slot.grad_MN.add_(error);
    project_transposed(slot.grad_MN, slot.fixed, slot.fresh);
  }
}

/// Gradient = P^T Q; keeps D - P^T Q with the replica's own new factor. One pass over the gradient
/// for both, also where the two differ in P: [own; mean]^T [Q; 0] and [own; mean]^T [0; Q].
void Acp::rebuild(Slot& slot, const at::Tensor& own) {
  if (!at::isfinite(slot.fresh).all().item<bool>()) {
    slot.grad_MN.fill_(std::numeric_limits<float>::quiet_NaN());
    return;
  }
  at::Tensor error = slot.feedback ? slot.feedback->next(slot.grad_MN) : at::Tensor();
  const at::Tensor& kept_from = config_.error_feedback == "global" ? slot.fresh : own;
  double squares = 0;
  if (slot.left) {
    const at::Tensor none = at::zeros_like(slot.fixed);
    squares = reconstruct(slot.grad_MN, error, at::cat({kept_from, slot.fresh}),
                          at::cat({none, slot.fixed}), at::cat({slot.fixed, none}));
  } else {
    squares = reconstruct(slot.grad_MN, error, slot.fixed, slot.fresh, kept_from);
  }
  if (slot.feedback) slot.feedback->set_next_squares(squares);
  if (!config_.warm_start) return;
  StepState& factor = slot.left ? slot.parameter.p_RM : slot.parameter.q_RN;
  factor.next(slot.fresh).copy_(slot.fresh);
}

void Acp::end_step(bool keep) {
  for (Parameter& parameter : parameters_) {
    parameter.p_RM.end_step(keep);
    parameter.q_RN.end_step(keep);
  }
}

void Acp::append_state(std::vector<NamedState>& state) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.p_RM.current().defined())
      state.push_back({parameter.name + "/p", parameter.p_RM.current()});
    if (parameter.q_RN.current().defined())
      state.push_back({parameter.name + "/q", parameter.q_RN.current()});
  }
}

void Acp::take_state(StateMap& state) {
  for (Parameter& parameter : parameters_) {
    const LowRankShape& shape = parameter.low_rank;
    const auto fitting = [&](const std::string& what, std::int64_t across) {
      const at::Tensor factor = state.take(parameter.name + what);
      const bool fits = parameter.compressed && factor.defined() &&
                        factor.sizes() == at::IntArrayRef({shape.approximation_rank, across});
      return fits ? factor : at::Tensor();
    };
    parameter.p_RM.set(fitting("/p", shape.rows));
    parameter.q_RN.set(fitting("/q", shape.columns));
  }
}

}  // namespace spillway::compression
