#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <vector>

#include "compression/bucket.hpp"
#include "compression/method_exchange.hpp"
#include "parallel/comm/thread_communicator.hpp"

namespace spillway::compression {

/// One replica's gradients in registration order.
using Gradients = std::vector<at::Tensor>;

inline std::vector<ParameterShape> mixed_shapes() {
  return {{"embedding", {40, 24}}, {"norm", {24}},      {"attention", {24, 72}},
          {"bias", {72}},          {"again", {40, 24}}, {"convolution", {16, 4, 3, 3}},
          {"row", {1, 60}},        {"small", {4, 4}}};
}

/// `step` and `replica` make different gradients; with `rank` > 0 matrices get a dominant part of
/// that rank.
inline Gradients random_gradients(const std::vector<ParameterShape>& parameters, int step,
                                  int replica) {
  at::manual_seed(static_cast<std::uint64_t>(1000 * step + replica + 7));
  Gradients gradients;
  for (const auto& parameter : parameters) gradients.push_back(at::randn(parameter.shape));
  return gradients;
}

/// Of mixed_shapes(), for every replica.
inline std::vector<Gradients> random_gradients_of(int replicas, int step) {
  std::vector<Gradients> all;
  for (int w = 0; w < replicas; ++w) all.push_back(random_gradients(mixed_shapes(), step, w));
  return all;
}

/// Settings under which mixed_shapes() are compressed from the first step, in several buckets.
inline config::CompressionConfig early_and_small(const std::string& name) {
  config::CompressionConfig config;
  config.method = name;
  config.approximation_rank = 2;
  config.start_step = 0;
  config.min_compression_rate = 1.2;
  config.density = 0.07;
  config.bucket_mib = 0.008;  // several buckets
  return config;
}

inline double error_norm(GradientExchange& exchange) {
  return exchange.take_statistics().error_norm;
}

inline at::Tensor mean_of(const std::vector<Gradients>& replicas, std::size_t parameter) {
  at::Tensor sum = at::zeros_like(replicas[0][parameter], at::kDouble);
  for (const Gradients& gradients : replicas) sum += gradients[parameter].to(at::kDouble);
  return sum / static_cast<double>(replicas.size());
}

inline double relative(const at::Tensor& actual, const at::Tensor& expected) {
  const at::Tensor difference = actual.to(at::kDouble) - expected.to(at::kDouble);
  return difference.norm().item<double>() /
         (expected.to(at::kDouble).norm().item<double>() + 1e-30);
}

/// All replicas of a group in one process; exchanges run on their own threads, so one thread drives
/// them all.
class Replicas {
 public:
  Replicas(int count, const config::CompressionConfig& config,
           std::vector<ParameterShape> parameters, std::uint64_t seed = 3)
      : bucket_mib_(config.bucket_mib),
        parameters_(std::move(parameters)),
        group_(comm::make_thread_group(count)) {
    for (auto& communicator : group_) {
      exchanges_.push_back(
          std::make_unique<MethodExchange>(config, *communicator, parameters_, seed));
    }
  }

  /// What every replica holds after the exchange of one step.
  std::vector<Gradients> step(std::int64_t number, const std::vector<Gradients>& given,
                              bool keep = true) {
    std::vector<std::vector<Bucket>> buckets;
    std::vector<Gradients> held;
    for (std::size_t w = 0; w < exchanges_.size(); ++w) {
      exchanges_[w]->begin_step(number);
      held.emplace_back();
      buckets.push_back(lay_out(given[w], held.back()));
    }
    std::vector<comm::Work> works;
    for (std::size_t b = 0; b < buckets[0].size(); ++b) {
      for (std::size_t w = 0; w < exchanges_.size(); ++w)
        works.push_back(exchanges_[w]->exchange(buckets[w][b]));
    }
    for (const comm::Work& work : works) work.wait();
    for (const auto& exchange : exchanges_) exchange->end_step(keep);
    return held;
  }

  GradientExchange& operator[](std::size_t replica) { return *exchanges_[replica]; }
  comm::Communicator& communicator(std::size_t replica) { return *group_[replica]; }
  std::size_t size() const { return exchanges_.size(); }

  /// Mean over replicas of "<parameter>/<what>" in the state; zeros where a replica has none.
  at::Tensor mean_state(std::size_t parameter, const std::string& what) const {
    at::Tensor sum = at::zeros(parameters_[parameter].shape, at::kDouble);
    for (const auto& exchange : exchanges_) {
      for (const NamedState& state : exchange->state()) {
        if (state.name == parameters_[parameter].name + "/" + what)
          sum += state.tensor.to(at::kDouble);
      }
    }
    return sum / static_cast<double>(exchanges_.size());
  }

 private:
  std::vector<Bucket> lay_out(const Gradients& given, Gradients& held) const {
    std::vector<at::Tensor> parts;
    for (const at::Tensor& gradient : given) parts.push_back(gradient.reshape(-1));
    const at::Tensor flat = at::cat(parts);
    std::vector<NamedGradient> named;
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < given.size(); ++i) {
      held.push_back(flat.narrow(0, offset, given[i].numel()).view(given[i].sizes()));
      named.push_back({parameters_[i].name, held.back()});
      offset += given[i].numel();
    }
    return make_buckets(flat, named, bucket_mib_);
  }

  double bucket_mib_;
  std::vector<ParameterShape> parameters_;
  std::vector<std::unique_ptr<comm::Communicator>> group_;
  std::vector<std::unique_ptr<MethodExchange>> exchanges_;
};

}  // namespace spillway::compression
