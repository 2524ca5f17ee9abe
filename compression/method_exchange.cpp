#include "compression/method_exchange.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

#include "compression/make_compressor.hpp"
#include "configs/compression_rules.hpp"
#include "configs/error.hpp"

namespace spillway::compression {
MethodExchange::MethodExchange(const config::CompressionConfig& config,
                               comm::Communicator& replicas,
                               const std::vector<ParameterShape>& parameters, std::uint64_t seed)
    : config_(config), replicas_(replicas), parameters_(parameters.size()) {
  std::vector<Member> members;
  for (const auto& [name, shape] : parameters) {
    const bool is_new = index_.emplace(name, members.size()).second;
    TORCH_CHECK(is_new, "compression: parameter ", name, " occurs twice");
    members.push_back({name, shape, config::method_of(config, name)});
  }
  make_compressors(members, seed);
}

/// One compressor for all parameters whose settings may share it, in the midst of the run or before
/// its start_step.
void MethodExchange::make_compressors(const std::vector<Member>& members, std::uint64_t seed) {
  std::vector<std::vector<Member>> groups;
  std::vector<std::vector<Compressor**>> users;
  const auto join = [&](Member member, const std::string& method, Compressor** user) {
    member.method.method = method;
    std::size_t i = 0;
    while (i < groups.size() && !may_share(groups[i].front().method, member.method)) ++i;
    if (i == groups.size()) {
      groups.emplace_back();
      users.emplace_back();
    }
    groups[i].push_back(std::move(member));
    users[i].push_back(user);
  };
  for (std::size_t i = 0; i < members.size(); ++i) {
    const config::CompressionMethod& method = members[i].method;
    Parameter& parameter = parameters_[i];
    parameter.name = members[i].name;
    parameter.shape = members[i].shape;
    parameter.start_step = method.start_step;
    join(members[i], dense_method(method), &parameter.before);
    join(members[i], method.method, &parameter.compressor);
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    compressors_.push_back(make_compressor(config_, groups[i], replicas_, meter_, seed));
    for (Compressor** user : users[i]) *user = compressors_.back().get();
  }
}

void MethodExchange::begin_step(std::int64_t step) {
  step_ = step;
  for (const auto& compressor : compressors_) compressor->begin_step(step);
}

comm::Work MethodExchange::exchange(const Bucket& bucket) {
  check_layout(bucket);
  std::vector<Parameter*> parameters;  // found here, so that complaints are not the thread's
  parameters.reserve(bucket.entries.size());
  for (const NamedGradient& entry : bucket.entries) parameters.push_back(&find(entry));
  return queue_.submit(bucket.flat.device(), [this, bucket, parameters = std::move(parameters)] {
    run(bucket, parameters);
  });
}

MethodExchange::Parameter& MethodExchange::find(const NamedGradient& entry) {
  const auto found = index_.find(entry.name);
  TORCH_CHECK(found != index_.end(), "compression: unknown parameter ", entry.name);
  Parameter& parameter = parameters_[found->second];
  TORCH_CHECK(entry.gradient.sizes() == at::IntArrayRef(parameter.shape),
              "compression: gradient of ", entry.name, " is ", entry.gradient.sizes(),
              ", the parameter ", at::IntArrayRef(parameter.shape));
  return parameter;
}

void MethodExchange::run(const Bucket& bucket, const std::vector<Parameter*>& parameters) {
  meter_.count_dense(static_cast<std::int64_t>(bucket.flat.nbytes()));
  std::vector<std::pair<Compressor*, std::vector<Piece>>> groups;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    Parameter& parameter = *parameters[i];
    Compressor* compressor = step_ < parameter.start_step ? parameter.before : parameter.compressor;
    const Piece piece = piece_of(parameter, bucket.entries[i].gradient, *compressor);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& other) { return other.first == compressor; });
    if (group == groups.end()) group = groups.insert(groups.end(), {compressor, {}});
    group->second.push_back(piece);
  }
  for (auto& [compressor, pieces] : groups) compressor->exchange(pieces);
}

Piece MethodExchange::piece_of(Parameter& parameter, const at::Tensor& gradient,
                               const Compressor& compressor) {
  Piece piece{&parameter.name, gradient, nullptr};
  if (compressor.feeds_back() && config_.error_feedback != "off") {
    piece.feedback = &parameter.feedback;
  } else if (parameter.feedback.current().defined()) {
    gradient.add_(parameter.feedback.current_as(gradient));
    parameter.feedback.drop();
  }
  return piece;
}

void MethodExchange::end_step(bool keep) {
  for (const auto& compressor : compressors_) compressor->end_step(keep);
  for (Parameter& parameter : parameters_) parameter.feedback.end_step(keep);
  sum_error_squares();
}

void MethodExchange::sum_error_squares() {
  double squares = 0;
  for (const Parameter& parameter : parameters_) squares += parameter.feedback.squares();
  meter_.set_error_norm(std::sqrt(squares));
}

std::vector<ParameterRank> MethodExchange::ranks() const {
  std::vector<NamedRank> named;
  for (const auto& compressor : compressors_) compressor->append_ranks(named);
  std::vector<ParameterRank> ranks;
  ranks.reserve(named.size());
  for (const auto& [name, rank] : named)
    ranks.push_back({static_cast<std::int64_t>(index_.at(name)), rank});
  return ranks;
}

bool MethodExchange::awaits_state(std::int64_t step) const {
  return std::any_of(parameters_.begin(), parameters_.end(), [&](const Parameter& parameter) {
    return parameter.compressor->feeds_back() && step > parameter.start_step;
  });
}

void MethodExchange::average_errors() {
  if (replicas_.size() == 1) return;
  for (Parameter& parameter : parameters_) {
    const at::Tensor& error = parameter.feedback.current();
    if (!error.defined()) continue;
    replicas_.all_reduce(error).wait();
    error.div_(replicas_.size());
    parameter.feedback.set(error);
  }
  sum_error_squares();
}

std::vector<NamedState> MethodExchange::state() const {
  std::vector<NamedState> state;
  for (const auto& compressor : compressors_) compressor->append_state(state);
  for (const Parameter& parameter : parameters_) {
    const at::Tensor& error = parameter.feedback.current();
    if (error.defined()) state.push_back({parameter.name + "/error", error.view(parameter.shape)});
  }
  return state;
}

std::vector<std::string> MethodExchange::load_state(const std::vector<NamedState>& state) {
  StateMap given(state);
  for (Parameter& parameter : parameters_) {
    const at::Tensor error = given.take(parameter.name + "/error");
    if (error.defined() && error.sizes() != at::IntArrayRef(parameter.shape)) {
      fail_input("compression state: error of " + parameter.name + " has " +
                 std::to_string(error.numel()) + " elements in another shape than the parameter");
    }
    parameter.feedback.set(error);
  }
  for (const auto& compressor : compressors_) compressor->take_state(given);
  sum_error_squares();
  return given.rest();
}

}  // namespace spillway::compression
