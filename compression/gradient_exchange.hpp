#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "parallel/comm/work.hpp"

namespace spillway::compression {

/// One parameter's gradient in a bucket: a float32 view into the bucket's flat buffer, in the
/// parameter's shape.
struct NamedGradient {
  std::string name;
  at::Tensor gradient;
};

/// Gradients that are exchanged together: contiguous in `flat`, in the order of `entries`.
struct Bucket {
  at::Tensor flat;  ///< float32 [numel]
  std::vector<NamedGradient> entries;
};

/// What an exchange did since the last call of take_statistics(), on this rank.
struct ExchangeStatistics {
  std::int64_t dense_bytes = 0;  ///< of the gradients as float32
  std::int64_t sent_bytes = 0;   ///< payload given to the communicator
  double wire_bytes = 0;         ///< that left this rank under a ring, see comm::OperationTraffic
  double compress_seconds = 0;
  double wire_seconds = 0;
  double decompress_seconds = 0;
  double error_norm = 0;  ///< L2 norm of what this replica keeps back (error feedback); 0 without
};

/// A piece of state for the checkpoint, keyed by parameter name.
struct NamedState {
  std::string name;
  at::Tensor tensor;
};

/// State out of a checkpoint, by name.
class StateMap {
 public:
  explicit StateMap(const std::vector<NamedState>& state) {
    for (const auto& [name, tensor] : state) tensors_.emplace(name, tensor);
  }
  /// As float32, contiguous, a copy; undefined if there is none. It is gone from the map then.
  at::Tensor take(const std::string& name) {
    const auto node = tensors_.extract(name);
    return node.empty() ? at::Tensor() : node.mapped().to(at::kFloat).contiguous().clone();
  }
  /// Names that nobody took.
  std::vector<std::string> rest() const {
    std::vector<std::string> names;
    names.reserve(tensors_.size());
    for (const auto& [name, tensor] : tensors_) names.push_back(name);
    return names;
  }

 private:
  std::map<std::string, at::Tensor> tensors_;
};

/// The approximation rank of a parameter, by its index in registration order of the whole model.
struct ParameterRank {
  std::int64_t parameter = 0;
  std::int64_t rank = 0;
};

/// Turns this replica's gradients of a bucket into the mean over replicas, in place.
/// Collective: every rank of the replica group calls with equal names and shapes in equal order.
/// exchange() returns at once and runs beside the caller; the bucket's flat buffer belongs to the
/// exchange until wait() of the Work returned. State is keyed by parameter name.
class GradientExchange {
 public:
  GradientExchange() = default;
  GradientExchange(const GradientExchange&) = delete;
  GradientExchange& operator=(const GradientExchange&) = delete;
  virtual ~GradientExchange() = default;

  /// Announces the optimizer step (0, 1, ...) that the next exchanges belong to.
  virtual void begin_step(std::int64_t step) = 0;
  virtual comm::Work exchange(const Bucket& bucket) = 0;
  /// After all exchanges of the step are waited for: keep the new state (true), or return to that
  /// before begin_step() (false), as when the ranks voted to skip the step.
  virtual void end_step(bool keep) = 0;

  virtual ExchangeStatistics take_statistics() = 0;
  /// Ranks of the low-rank approximations of this rank's parameters, as far as they have begun.
  virtual std::vector<ParameterRank> ranks() const { return {}; }

  /// Whether the steps before `step` leave state behind.
  virtual bool awaits_state(std::int64_t /*step*/) const { return false; }

  /// Before a checkpoint, between steps, collective: replicas that keep a part unsent go on with
  /// the mean of those parts, which is all that a checkpoint needs to hold then.
  virtual void average_errors() {}
  /// State for a checkpoint (between steps), and its return: equal on all replicas after
  /// average_errors(). Names are "<parameter>/<what>". load_state() replaces all state: what is not
  /// given starts anew. Returns the names that no method here has a use for.
  virtual std::vector<NamedState> state() const = 0;
  virtual std::vector<std::string> load_state(const std::vector<NamedState>& state) = 0;
};

}  // namespace spillway::compression
