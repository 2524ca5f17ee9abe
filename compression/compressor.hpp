#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compression/error_feedback.hpp"
#include "compression/gradient_exchange.hpp"
#include "configs/schema.hpp"

namespace spillway::compression {

/// A parameter of the model and how its gradient travels.
struct Member {
  std::string name;
  std::vector<std::int64_t> shape;
  config::CompressionMethod method;
};

/// The approximation rank of a parameter.
struct NamedRank {
  std::string name;
  std::int64_t rank = 0;
};

/// One parameter's gradient on its way through a compressor, on this replica.
struct Piece {
  const std::string* name = nullptr;
  at::Tensor gradient;  ///< in: this replica's, out: the mean over replicas; float32, contiguous
  /// What this replica kept back, which goes in with the gradient, and where the compressor puts
  /// what it keeps now. nullptr: nothing is kept.
  ErrorFeedback* feedback = nullptr;

  /// What was kept back, in the shape of `like`; undefined: nothing.
  at::Tensor error_as(const at::Tensor& like) const {
    return feedback ? feedback->current_as(like) : at::Tensor();
  }
  /// gradient += what was kept back.
  void add_error() const {
    if (const at::Tensor error = error_as(gradient); error.defined()) gradient.add_(error);
  }
};

/// A method of compression. All calls but the constructor are collective over the replicas and
/// block; exchange() runs on the thread of the exchanges, the others between steps.
/// A piece that is not finite on some replica becomes not finite on all of them, and leaves state
/// and error feedback as they were.
class Compressor {
 public:
  Compressor() = default;
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  virtual ~Compressor() = default;

  /// Whether it leaves a part unsent, for error feedback to keep.
  virtual bool feeds_back() const = 0;
  virtual void begin_step(std::int64_t /*step*/) {}
  /// `pieces`: of one bucket, at least one, in the same order on every replica.
  virtual void exchange(std::span<Piece> pieces) = 0;
  /// See GradientExchange.
  virtual void end_step(bool /*keep*/) {}
  virtual void append_state(std::vector<NamedState>& /*state*/) const {}
  /// Takes what is its own out of `state`; what it does not find starts anew.
  virtual void take_state(StateMap& /*state*/) {}
  virtual void append_ranks(std::vector<NamedRank>& /*ranks*/) const {}
};

}  // namespace spillway::compression
