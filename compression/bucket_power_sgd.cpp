#include "compression/bucket_power_sgd.hpp"

#include <cmath>

#include "compression/joined.hpp"
#include "compression/low_rank/first_factor.hpp"

namespace spillway::compression {

LowRankShape bucket_shape(std::int64_t numel, std::int64_t approximation_rank) {
  const auto columns = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(numel))));
  const std::int64_t rows = columns > 0 ? (numel + columns - 1) / columns : 0;
  return low_rank_shape({rows, columns}, approximation_rank);
}

BucketPowerSgd::BucketPowerSgd(const config::CompressionConfig& config,
                               const config::CompressionMethod& method,
                               const std::vector<Member>& members, comm::Communicator& replicas,
                               Meter& meter, std::uint64_t seed)
    : config_(config),
      method_(method),
      seed_(seed),
      factors_(replicas, method.wire, config.error_feedback == "global", meter) {
  for (const Member& member : members) members_.push_back(member.name);
}

void BucketPowerSgd::begin_step(std::int64_t step) {
  const std::int64_t steps = step - method_.start_step;
  if (steps < 0) return;
  power_ = power_iterations(method_, steps);
  draw_ = !config_.warm_start || power_.refreshing ? steps : 0;
}

void BucketPowerSgd::exchange(std::span<Piece> pieces) {
  std::int64_t numel = 0;
  for (const Piece& piece : pieces) numel += piece.gradient.numel();
  if (numel == 0) return;
  for (const Piece& piece : pieces) piece.add_error();
  const LowRankShape shape = bucket_shape(numel, method_.approximation_rank);
  Joined joined(pieces, workspace_, 0, shape.dense());
  StepState& q_RN = q_RN_[*pieces.front().name];
  const bool warm =
      config_.warm_start && !power_.refreshing && q_RN.current().defined() &&
      q_RN.current().sizes() == at::IntArrayRef({shape.approximation_rank, shape.columns});
  Factored matrix;
  matrix.grad_MN = joined.flat().view({shape.rows, shape.columns});
  matrix.start_q_RN = warm ? q_RN.current() : draw_factors({shape}, factor_seed(seed_, draw_))[0];
  if (pieces.front().feedback) matrix.feedback = &rest_;
  factors_.run({&matrix, 1}, {}, power_.count);
  joined.write_back();
  if (!matrix.finite) return;
  if (config_.warm_start) q_RN.next(matrix.q_RN).copy_(matrix.q_RN);
  if (!matrix.feedback) return;
  const at::Tensor rest = rest_.next(matrix.grad_MN).view(-1);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    ErrorFeedback& feedback = *pieces[i].feedback;
    feedback.measure_next(feedback.next(pieces[i].gradient).copy_(joined.part(rest, i)));
  }
}

void BucketPowerSgd::end_step(bool keep) {
  for (auto& [name, q_RN] : q_RN_) q_RN.end_step(keep);
}

void BucketPowerSgd::append_state(std::vector<NamedState>& state) const {
  for (const auto& [name, q_RN] : q_RN_) {
    if (q_RN.current().defined()) state.push_back({name + "/bucket_q", q_RN.current()});
  }
}

void BucketPowerSgd::take_state(StateMap& state) {
  q_RN_.clear();
  for (const std::string& name : members_) {
    const at::Tensor q_RN = state.take(name + "/bucket_q");
    if (q_RN.defined()) q_RN_[name].set(q_RN);
  }
}

}  // namespace spillway::compression
