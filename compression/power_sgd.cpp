#include "compression/power_sgd.hpp"

#include <ATen/ops/cat.h>

#include "compression/low_rank/copy_all.hpp"

namespace spillway::compression {

PowerSgd::PowerSgd(const config::CompressionConfig& config, const config::CompressionMethod& method,
                   const std::vector<Member>& members, comm::Communicator& replicas, Meter& meter,
                   std::uint64_t seed)
    : config_(config),
      method_(method),
      seed_(seed),
      factors_(replicas, method.wire, config.error_feedback == "global", meter) {
  for (const Member& member : members) {
    index_.emplace(member.name, parameters_.size());
    parameters_.emplace_back(member);
  }
  draw_first_factors(parameters_, seed_, 0);
}

void PowerSgd::begin_step(std::int64_t step) {
  const std::int64_t steps = step - method_.start_step;
  if (steps < 0) return;
  power_ = power_iterations(method_, steps);
  if (!config_.warm_start || power_.refreshing) draw_first_factors(parameters_, seed_, steps);
  if (config_.adaptive_rank != "off" && steps > 0 && steps % config_.adapt_every == 0)
    adapt_ranks();
}

at::Tensor PowerSgd::start_factor(const Parameter& parameter) const {
  const bool warm = config_.warm_start && !power_.refreshing && parameter.q_RN.current().defined();
  return warm ? parameter.q_RN.current() : parameter.first_q_RN.narrow(0, 0, parameter.rank);
}

void PowerSgd::exchange(std::span<Piece> pieces) {
  std::vector<Factored> matrices;
  std::vector<Parameter*> owners;
  std::vector<at::Tensor> whole;
  for (const Piece& piece : pieces) {
    Parameter& parameter = parameters_[index_.at(*piece.name)];
    if (!parameter.compressed) {
      whole.push_back(piece.gradient.view(-1));
      continue;
    }
    Factored& matrix = matrices.emplace_back();
    matrix.grad_MN = piece.gradient.view({parameter.low_rank.rows, parameter.low_rank.columns});
    matrix.start_q_RN = start_factor(parameter);
    matrix.feedback = piece.feedback;
    matrix.error_MN = piece.error_as(matrix.grad_MN);
    owners.push_back(&parameter);
  }
  factors_.run(matrices, whole, power_.count);
  if (!config_.warm_start) return;
  std::vector<at::Tensor> kept, sent;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    if (!matrices[i].finite) continue;
    kept.push_back(owners[i]->q_RN.next(matrices[i].q_RN));
    sent.push_back(matrices[i].q_RN);
  }
  copy_all(kept, sent);
}

void PowerSgd::end_step(bool keep) {
  for (Parameter& parameter : parameters_) parameter.q_RN.end_step(keep);
}

/// Only what this rank has exchanged has a factor, and with it a spectrum: each stage shares out
/// its part of the budget.
void PowerSgd::adapt_ranks() {
  std::vector<Spectrum> spectra;
  std::vector<Parameter*> owners;
  double all = 0, here = 0, whole = 0;
  for (Parameter& parameter : parameters_) {
    const auto dense = static_cast<double>(parameter.low_rank.dense());
    (parameter.compressed ? all : whole) += dense;
    if (!parameter.q_RN.current().defined()) continue;
    here += dense;
    owners.push_back(&parameter);
    spectra.push_back({.shape = parameter.low_rank,
                       .singular_values = singular_values(parameter.q_RN.current())});
  }
  if (spectra.empty()) return;
  const double width = method_.wire == "fp32" ? 4 : 2;
  const double budget = (config_.byte_budget * 1024 * 1024 / width - whole) * here / all;
  const std::vector<std::int64_t> ranks = config_.adaptive_rank == "bytes"
                                              ? ranks_within_elements(spectra, budget)
                                              : ranks_within_error(spectra, config_.error_budget);
  for (std::size_t i = 0; i < owners.size(); ++i) resize_factor(*owners[i], ranks[i]);
}

/// Keeps the strongest directions, or adds new ones out of the first factor.
void PowerSgd::resize_factor(Parameter& parameter, std::int64_t rank) {
  if (rank == parameter.rank) return;
  const at::Tensor q_RN = strongest_first(parameter.q_RN.current());
  parameter.q_RN.set(
      rank < parameter.rank
          ? q_RN.narrow(0, 0, rank).contiguous()
          : at::cat({q_RN, parameter.first_q_RN.narrow(0, parameter.rank, rank - parameter.rank)}));
  parameter.rank = rank;
}

void PowerSgd::append_ranks(std::vector<NamedRank>& ranks) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.q_RN.current().defined()) ranks.push_back({parameter.name, parameter.rank});
  }
}

void PowerSgd::append_state(std::vector<NamedState>& state) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.q_RN.current().defined())
      state.push_back({parameter.name + "/q", parameter.q_RN.current()});
  }
}

void PowerSgd::take_state(StateMap& state) {
  for (Parameter& parameter : parameters_) {
    parameter.rank = parameter.low_rank.approximation_rank;
    at::Tensor q_RN = state.take(parameter.name + "/q");
    const bool fits = parameter.compressed && q_RN.defined() && q_RN.dim() == 2 &&
                      q_RN.size(1) == parameter.low_rank.columns;
    const bool same = fits && q_RN.size(0) == parameter.rank;
    const bool fewer = fits && config_.adaptive_rank != "off" && q_RN.size(0) <= parameter.rank;
    if (!same && !fewer) q_RN.reset();
    if (q_RN.defined()) parameter.rank = q_RN.size(0);
    parameter.q_RN.set(std::move(q_RN));
  }
}

}  // namespace spillway::compression
