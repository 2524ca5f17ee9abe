#include "compression/power_sgd.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/vdot.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <limits>

#include "compression/low_rank/orthogonalize.hpp"
#include "compression/low_rank/skinny_gemm.hpp"
#include "configs/error.hpp"

namespace spillway::compression {
namespace {

bool all_finite(const at::Tensor& tensor) { return at::isfinite(tensor).all().item<bool>(); }

double squares_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.reshape(-1);
  return at::vdot(flat, flat).item<double>();
}

/// Cuts `buffer` into consecutive pieces.
class Cutter {
 public:
  explicit Cutter(const at::Tensor& buffer) : buffer_(buffer) {}
  at::Tensor next(std::int64_t numel) {
    offset_ += numel;
    return buffer_.narrow(0, offset_ - numel, numel);
  }

 private:
  const at::Tensor& buffer_;
  std::int64_t offset_ = 0;
};

}  // namespace

struct PowerSgdExchange::Slot {
  Slot(Parameter& owner, at::Tensor gradient) : parameter(owner), grad_MN(std::move(gradient)) {}

  Parameter& parameter;
  at::Tensor grad_MN;
  at::Tensor p_RM, q_RN;  // views of the payloads
  bool finite = true;
};

struct PowerSgdExchange::Round {
  std::vector<Slot> slots;
  std::vector<at::Tensor> bypassed;  // gradients that are sent whole
  at::Tensor left, right;  // payloads: P of all slots and bypassed gradients; Q of all slots
  std::vector<at::Tensor> bypassed_parts;  // views of `left`
  at::Tensor own_right;  // this replica's part of `right`, for local error feedback
};

PowerSgdExchange::PowerSgdExchange(const config::CompressionConfig& config,
                                   comm::Communicator& replicas,
                                   const std::vector<ParameterShape>& parameters,
                                   std::uint64_t seed)
    : config_(config),
      seed_(seed),
      wire_(replicas, config.wire, meter_),
      plain_(replicas, config.wire) {
  for (const auto& [name, shape] : parameters) {
    const bool is_new = index_.emplace(name, parameters_.size()).second;
    TORCH_CHECK(is_new, "powersgd: parameter ", name, " occurs twice");
    Parameter& parameter = parameters_.emplace_back();
    parameter.name = name;
    parameter.shape = shape;
    parameter.low_rank = low_rank_shape(shape, config.approximation_rank);
    parameter.compressed = worth_compressing(parameter.low_rank, config.min_compression_rate);
  }
  draw_first_factors(0);
}

void PowerSgdExchange::draw_first_factors(std::int64_t index) {
  std::vector<LowRankShape> shapes;
  for (const Parameter& parameter : parameters_) {
    if (parameter.compressed) shapes.push_back(parameter.low_rank);
  }
  std::vector<at::Tensor> factors = draw_factors(shapes, factor_seed(seed_, index));
  auto factor = factors.begin();
  for (Parameter& parameter : parameters_) {
    if (parameter.compressed) parameter.first_q_RN = std::move(*factor++);
  }
}

void PowerSgdExchange::begin_step(std::int64_t step) {
  step_ = step;
  if (!config_.warm_start && step >= config_.start_step)
    draw_first_factors(step - config_.start_step);
}

comm::Work PowerSgdExchange::exchange(const Bucket& bucket) {
  if (step_ < config_.start_step) return plain_.exchange(bucket);
  check_layout(bucket);
  for (const NamedGradient& entry : bucket.entries)
    find(entry);  // complain here, not on the thread
  return queue_.submit(bucket.flat.device(), [this, bucket] { run(bucket); });
}

PowerSgdExchange::Parameter& PowerSgdExchange::find(const NamedGradient& entry) {
  const auto found = index_.find(entry.name);
  TORCH_CHECK(found != index_.end(), "powersgd: unknown parameter ", entry.name);
  Parameter& parameter = parameters_[found->second];
  TORCH_CHECK(entry.gradient.sizes() == at::IntArrayRef(parameter.shape), "powersgd: gradient of ",
              entry.name, " is ", entry.gradient.sizes(), ", the parameter ",
              at::IntArrayRef(parameter.shape));
  return parameter;
}

void PowerSgdExchange::run(const Bucket& bucket) {
  meter_.count_dense(static_cast<std::int64_t>(bucket.flat.nbytes()));
  Round round;
  std::int64_t left = 0, right = 0;
  for (const NamedGradient& entry : bucket.entries) {
    Parameter& parameter = find(entry);
    const LowRankShape& shape = parameter.low_rank;
    if (!parameter.compressed) {
      round.bypassed.push_back(entry.gradient.view(-1));
      left += entry.gradient.numel();
      continue;
    }
    round.slots.emplace_back(parameter, entry.gradient.view({shape.rows, shape.columns}));
    left += shape.approximation_rank * shape.rows;
    right += shape.approximation_rank * shape.columns;
  }
  round.left = at::empty({left}, bucket.flat.options());
  round.right = at::empty({right}, bucket.flat.options());
  Cutter lefts(round.left), rights(round.right);
  for (Slot& slot : round.slots) {
    const auto& [rows, columns, rank] = slot.parameter.low_rank;
    slot.p_RM = lefts.next(rank * rows).view({rank, rows});
    slot.q_RN = rights.next(rank * columns).view({rank, columns});
  }
  for (const at::Tensor& whole : round.bypassed)
    round.bypassed_parts.push_back(lefts.next(whole.numel()));
  send_left(round);
  send_right(round);
  rebuild(round);
}

/// P = sum over replicas of (gradient + error) Q^T, and the bypassed gradients.
void PowerSgdExchange::send_left(Round& round) {
  {
    const Meter::Timer timer(meter_, &ExchangeStatistics::compress_seconds);
    for (Slot& slot : round.slots) {
      Parameter& parameter = slot.parameter;
      const bool warm = config_.warm_start && parameter.q_RN.current().defined();
      slot.q_RN.copy_(warm ? parameter.q_RN.current() : parameter.first_q_RN);
      orthogonalize(slot.q_RN);
      project(slot.grad_MN, parameter.error_MN.current(), slot.q_RN, slot.p_RM);
    }
    for (std::size_t i = 0; i < round.bypassed.size(); ++i)
      round.bypassed_parts[i].copy_(round.bypassed[i]);
  }
  wire_.sum(round.left);
}

/// Q = sum over replicas of orth(P) (gradient + error).
void PowerSgdExchange::send_right(Round& round) {
  if (round.slots.empty()) return;
  {
    const Meter::Timer timer(meter_, &ExchangeStatistics::compress_seconds);
    const bool finite = all_finite(round.left);
    for (Slot& slot : round.slots) {
      slot.finite = finite || all_finite(slot.p_RM);
      if (!slot.finite) {
        slot.q_RN.zero_();
        continue;
      }
      orthogonalize(slot.p_RM);
      project_transposed(slot.grad_MN, slot.p_RM, slot.q_RN);
    }
    if (config_.error_feedback == "local") round.own_right = wire_.as_sent(round.right).clone();
  }
  wire_.sum(round.right);
}

/// Gradient = P^T Q / replicas; keeps Q and what was not sent for the next step.
void PowerSgdExchange::rebuild(Round& round) {
  const Meter::Timer timer(meter_, &ExchangeStatistics::decompress_seconds);
  for (std::size_t i = 0; i < round.bypassed.size(); ++i) {
    round.bypassed[i].copy_(round.bypassed_parts[i]);
    round.bypassed[i].div_(wire_.replicas());
  }
  round.right.div_(wire_.replicas());
  const bool finite = all_finite(round.right);
  Cutter own(round.own_right.defined() ? round.own_right : round.right);
  for (Slot& slot : round.slots) {
    const at::Tensor own_RN = own.next(slot.q_RN.numel()).view_as(slot.q_RN);
    if (!slot.finite || !(finite || all_finite(slot.q_RN))) {
      slot.grad_MN.fill_(std::numeric_limits<float>::quiet_NaN());
      continue;
    }
    Parameter& parameter = slot.parameter;
    at::Tensor no_error;
    at::Tensor& error =
        config_.error_feedback == "off" ? no_error : parameter.error_MN.next(slot.grad_MN);
    parameter.next_error_squares = reconstruct(slot.grad_MN, error, slot.p_RM, slot.q_RN, own_RN);
    if (config_.warm_start) parameter.q_RN.next(slot.q_RN).copy_(slot.q_RN);
  }
}

void PowerSgdExchange::end_step(bool keep) {
  double squares = 0;
  for (Parameter& parameter : parameters_) {
    if (parameter.error_MN.changed() && keep)
      parameter.error_squares = parameter.next_error_squares;
    parameter.error_MN.end_step(keep);
    parameter.q_RN.end_step(keep);
    squares += parameter.error_squares;
  }
  meter_.set_error_norm(std::sqrt(squares));
}

ExchangeStatistics PowerSgdExchange::take_statistics() {
  ExchangeStatistics sum = meter_.take();
  const ExchangeStatistics plain = plain_.take_statistics();
  sum.dense_bytes += plain.dense_bytes;
  sum.sent_bytes += plain.sent_bytes;
  sum.compress_seconds += plain.compress_seconds;
  sum.wire_seconds += plain.wire_seconds;
  sum.decompress_seconds += plain.decompress_seconds;
  return sum;
}

std::vector<NamedState> PowerSgdExchange::state() const {
  std::vector<NamedState> state;
  for (const Parameter& parameter : parameters_) {
    if (parameter.q_RN.current().defined())
      state.push_back({parameter.name + "/q", parameter.q_RN.current()});
    if (!parameter.error_MN.current().defined()) continue;
    state.push_back(
        {parameter.name + "/error", parameter.error_MN.current().view(parameter.shape)});
  }
  return state;
}

void PowerSgdExchange::load_state(const std::vector<NamedState>& state) {
  std::unordered_map<std::string, at::Tensor> given;
  for (const auto& [name, tensor] : state)
    given.emplace(name, tensor.to(at::kFloat).contiguous().clone());
  const auto take = [&given](const std::string& name) {
    auto node = given.extract(name);
    return node.empty() ? at::Tensor() : node.mapped();
  };
  double squares = 0;
  for (Parameter& parameter : parameters_) {
    const auto& [rows, columns, rank] = parameter.low_rank;
    at::Tensor q_RN = take(parameter.name + "/q"), error = take(parameter.name + "/error");
    if (q_RN.defined() && q_RN.sizes() != at::IntArrayRef({rank, columns})) q_RN.reset();
    if (error.defined() && error.sizes() != at::IntArrayRef(parameter.shape)) {
      fail_input("compression state: error of " + parameter.name + " has " +
                 std::to_string(error.numel()) + " elements in another shape than the parameter");
    }
    const bool has_error =
        parameter.compressed && error.defined() && config_.error_feedback != "off";
    parameter.q_RN.set(parameter.compressed ? q_RN : at::Tensor());
    parameter.error_MN.set(has_error ? error.view({rows, columns}) : at::Tensor());
    parameter.error_squares = has_error ? squares_of(error) : 0;
    squares += parameter.error_squares;
  }
  meter_.set_error_norm(std::sqrt(squares));
}

}  // namespace spillway::compression
