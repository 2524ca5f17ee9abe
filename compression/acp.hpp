#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "compression/compressor.hpp"
#include "compression/low_rank/batches.hpp"
#include "compression/low_rank/low_rank_parameter.hpp"
#include "compression/wire.hpp"
#include "compression/workspace.hpp"

namespace spillway::compression {

/// Alternating low-rank compression, ACP-SGD, Zhang et al. 2023, arXiv:2306.08881, section IV: one
/// half of a PowerSGD iteration a step, so one all-reduce, of half the elements. D [M, N] as in
/// power_sgd.hpp. Even steps (counted from start_step): Q <- orth(last Q), P <- mean of D Q^T;
/// odd steps: P <- orth(last P), Q <- mean of P D; gradient <- P^T Q each time. Gradients that
/// do not save min_compression_rate, reckoned with both factors, ride along whole.
///
/// Error feedback as with PowerSGD: D - P^T Q with the replica's own new factor ("local") or the
/// averaged one ("global").
///
/// State by parameter name, equal on all replicas: "<name>/p" [R, M] and "<name>/q" [R, N], the
/// last of each.
class Acp final : public Compressor {
 public:
  /// See PowerSgd.
  Acp(const config::CompressionConfig& config, const config::CompressionMethod& method,
      const std::vector<Member>& members, comm::Communicator& replicas, Meter& meter,
      std::uint64_t seed);

  bool feeds_back() const override { return true; }
  void begin_step(std::int64_t step) override;
  void exchange(std::span<Piece> pieces) override;
  void end_step(bool keep) override;
  void append_state(std::vector<NamedState>& state) const override;
  void take_state(StateMap& state) override;

 private:
  struct Parameter : LowRankParameter {
    using LowRankParameter::LowRankParameter;
    StepState p_RM, q_RN;
  };
  /// A compressed gradient of the bucket in work. `left`: whether P is new in this step, else Q.
  struct Slot {
    Parameter* parameter;
    const Piece* piece;
    bool left;
  };

  void lay_out(std::span<Piece> pieces);
  void fill_matrices(const at::Tensor& fixed);
  const at::Tensor& last_factor(const Slot& slot) const;
  void keep();

  config::CompressionConfig config_;
  config::CompressionMethod method_;
  std::vector<Parameter> parameters_;
  std::unordered_map<std::string, std::size_t> index_;
  std::int64_t steps_ = 0;  ///< since start_step
  std::uint64_t seed_;
  Wire wire_;
  Workspace workspace_;
  Batches left_batches_, right_batches_;
  std::vector<Slot> slots_;
  std::vector<LowRankMatrix> lefts_, rights_;    // of the slots, in their order
  at::Tensor payload_, own_;                     // new factors, then whole; what was sent of them
  std::vector<at::Tensor> whole_, whole_parts_;  // gradients that ride along, views of payload_
};

}  // namespace spillway::compression
