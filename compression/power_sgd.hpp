#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "compression/compressor.hpp"
#include "compression/low_rank/adaptive_rank.hpp"
#include "compression/low_rank/factor_exchange.hpp"
#include "compression/low_rank/low_rank_parameter.hpp"
#include "compression/low_rank/power_iterations.hpp"

namespace spillway::compression {

/// Low-rank gradient exchange with error feedback. PowerSGD, Vogels et al. 2019, arXiv:1905.13727,
/// Algorithm 1; agrees with PyTorch's powerSGD_hook on outputs and mean error to float32 rounding.
///
/// A gradient [s0, s1, ...] is the matrix D [M, N] = [s0, s1 s2 ...], its approximation rank R =
/// min(M, N, approximation_rank). Per bucket: P = sum of D Q^T over replicas; P <- orth(P); Q <-
/// mean of P D; gradient <- P^T Q, all in float32 whatever the wire format. That is two all-reduces
/// of R (M + N) numbers instead of M N. Parameters that save less than `min_compression_rate`, as
/// (M + N) R rate >= M N, ride whole with P and keep no state. With power_iterations > 1 the Q of
/// one is the first factor of the next.
///
/// Error feedback: each replica adds to its next gradient what it did not send, D - P^T (own
/// factor) with "local" (bounded), D - P^T Q with "global" (as PyTorch's hook; its mean over
/// replicas is the same, so are all outputs, but the parts drift apart).
///
/// With refresh_every = n, every n-th step starts from a new random factor and takes one more power
/// iteration, so that a subspace in which PowerSGD is caught (Xie et al. 2025, arXiv:2509.11254,
/// who take an SVD) is left. With adaptive_rank the ranks of the parameters change every
/// adapt_every steps, see low_rank/adaptive_rank.hpp.
///
/// Non-finite values: a parameter with an inf or nan on any replica becomes nan on all of them.
/// Nothing but the reduced factors decides, so the replicas agree.
///
/// State by parameter name: "<name>/q" [R, N], the same on every replica. Memory, with the error:
/// twice the compressed parameters.
class PowerSgd final : public Compressor {
 public:
  /// `members`: of the whole model in registration order, of which a bucket may hold any part; they
  /// decide the first factors. All have the method of `method` but for the approximation rank and
  /// the minimum rate. `config` gives what is common to all methods.
  PowerSgd(const config::CompressionConfig& config, const config::CompressionMethod& method,
           const std::vector<Member>& members, comm::Communicator& replicas, Meter& meter,
           std::uint64_t seed);

  bool feeds_back() const override { return true; }
  void begin_step(std::int64_t step) override;
  void exchange(std::span<Piece> pieces) override;
  void end_step(bool keep) override;
  void append_state(std::vector<NamedState>& state) const override;
  /// A factor of another approximation rank is dropped.
  void take_state(StateMap& state) override;
  void append_ranks(std::vector<NamedRank>& ranks) const override;

 private:
  struct Parameter : LowRankParameter {
    explicit Parameter(const Member& member)
        : LowRankParameter(member), rank(low_rank.approximation_rank) {}
    StepState q_RN;
    std::int64_t rank;  ///< now
  };

  at::Tensor start_factor(const Parameter& parameter) const;
  void adapt_ranks();
  void resize_factor(Parameter& parameter, std::int64_t rank);

  config::CompressionConfig config_;
  config::CompressionMethod method_;
  std::uint64_t seed_;
  std::vector<Parameter> parameters_;
  std::unordered_map<std::string, std::size_t> index_;
  PowerIterations power_;
  FactorExchange factors_;
};

}  // namespace spillway::compression
