#include "compression/acp.hpp"

#include "compression/low_rank/copy_all.hpp"

namespace spillway::compression {
namespace {

enum Buffer : std::uint8_t { kPayload, kOwn, kFixed };

}  // namespace

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
  lay_out(pieces);
  LowRankBatch& lefts = left_batches_.start(lefts_);
  LowRankBatch& rights = right_batches_.start(rights_);
  {
    const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::compress_seconds);
    lefts.orthogonalize(Side::right);
    lefts.project(true);
    rights.orthogonalize(Side::left);
    rights.add_error();
    rights.project_transposed();
    own_.copy_(wire_.as_sent(payload_.narrow(0, 0, own_.numel())));
    copy_all(whole_parts_, whole_);
  }
  wire_.sum(payload_);
  const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::decompress_seconds);
  payload_.div_(wire_.replicas());
  copy_all(whole_, whole_parts_);
  lefts.check_finite(Side::left);
  rights.check_finite(Side::right);
  lefts.reconstruct();
  rights.reconstruct();
  lefts.finish();
  rights.finish();
  keep();
}

/// Sorts the pieces by what is new of them, and gives each its parts of the buffers.
void Acp::lay_out(std::span<Piece> pieces) {
  slots_.clear();
  whole_.clear();
  std::int64_t fresh = 0, fixed = 0, numel = 0;
  for (const Piece& piece : pieces) {
    Parameter& parameter = parameters_[index_.at(*piece.name)];
    if (!parameter.compressed) {
      whole_.push_back(piece.gradient.view(-1));
      numel += piece.gradient.numel();
      continue;
    }
    const auto& [rows, columns, rank] = parameter.low_rank;
    const bool left = !config_.warm_start || steps_ % 2 == 0 || !parameter.p_RM.current().defined();
    slots_.push_back({&parameter, &piece, left});
    fresh += rank * (left ? rows : columns);
    fixed += rank * (left ? columns : rows);
  }
  const at::TensorOptions options = pieces.front().gradient.options();
  payload_ = workspace_.get(kPayload, fresh + numel, options);
  own_ = workspace_.get(kOwn, fresh, options);
  fill_matrices(workspace_.get(kFixed, fixed, options));
  whole_parts_.clear();
  for (const at::Tensor& gradient : whole_) {
    whole_parts_.push_back(payload_.narrow(0, fresh, gradient.numel()));
    fresh += gradient.numel();
  }
}

/// `fixed`: room for the factors of the step before.
void Acp::fill_matrices(const at::Tensor& fixed) {
  lefts_.clear();
  rights_.clear();
  std::vector<at::Tensor> to, from;
  std::int64_t fresh_at = 0, fixed_at = 0;
  for (const Slot& slot : slots_) {
    const auto& [rows, columns, rank] = slot.parameter->low_rank;
    LowRankMatrix& m = (slot.left ? lefts_ : rights_).emplace_back();
    m.grad_MN = slot.piece->gradient.view({rows, columns});
    m.error_MN = slot.piece->error_as(m.grad_MN);
    if (slot.piece->feedback) m.kept_MN = slot.piece->feedback->next(m.grad_MN);
    const std::int64_t across = slot.left ? rows : columns, other = slot.left ? columns : rows;
    const at::Tensor fresh = payload_.narrow(0, fresh_at, rank * across).view({rank, across});
    const at::Tensor own = own_.narrow(0, fresh_at, rank * across).view({rank, across});
    const at::Tensor last = fixed.narrow(0, fixed_at, rank * other).view({rank, other});
    m.p_RM = slot.left ? fresh : last;
    m.q_RN = slot.left ? last : fresh;
    m.own_p_RM = slot.left && config_.error_feedback != "global" ? own : m.p_RM;
    m.own_q_RN = !slot.left && config_.error_feedback != "global" ? own : m.q_RN;
    to.push_back(last);
    from.push_back(last_factor(slot));
    fresh_at += rank * across;
    fixed_at += rank * other;
  }
  copy_all(to, from);
}

const at::Tensor& Acp::last_factor(const Slot& slot) const {
  const Parameter& parameter = *slot.parameter;
  if (!slot.left) return parameter.p_RM.current();
  const bool warm = config_.warm_start && parameter.q_RN.current().defined();
  return warm ? parameter.q_RN.current() : parameter.first_q_RN;
}

/// What the exchange has brought becomes state, where it is finite.
void Acp::keep() {
  std::vector<at::Tensor> to, from;
  auto left = lefts_.begin(), right = rights_.begin();
  for (const Slot& slot : slots_) {
    const LowRankMatrix& matrix = slot.left ? *left++ : *right++;
    if (slot.piece->feedback && matrix.finite)
      slot.piece->feedback->set_next_squares(matrix.kept_squares);
    if (slot.piece->feedback && !matrix.finite) slot.piece->feedback->leave();
    if (!config_.warm_start || !matrix.finite) continue;
    const at::Tensor& fresh = slot.left ? matrix.p_RM : matrix.q_RN;
    to.push_back((slot.left ? slot.parameter->p_RM : slot.parameter->q_RN).next(fresh));
    from.push_back(fresh);
  }
  copy_all(to, from);
  lefts_.clear();  // they hold on to gradients and errors
  rights_.clear();
  whole_.clear();
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
