#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "compression/all_reduce.hpp"
#include "compression/bucket.hpp"
#include "compression/low_rank/first_factor.hpp"
#include "compression/step_state.hpp"
#include "configs/schema.hpp"

namespace spillway::compression {

/// Low-rank gradient exchange with error feedback. PowerSGD, Vogels et al. 2019, arXiv:1905.13727,
/// Algorithm 1; agrees with PyTorch's powerSGD_hook on outputs and mean error to float32 rounding.
///
/// A gradient [s0, s1, ...] is the matrix D [M, N] = [s0, s1 s2 ...], its approximation rank R =
/// min(M, N, approximation_rank). Per bucket: P = sum of D Q^T over replicas; P <- orth(P); Q <-
/// mean of P D; gradient <- P^T Q, all in float32 whatever the wire format. That is two all-reduces
/// of R (M + N) numbers instead of M N. Parameters that save less than `min_compression_rate`, as
/// (M + N) R rate >= M N, ride whole with P and keep no state. Before `start_step` everything goes
/// through the plain exchange.
///
/// Error feedback: each replica adds to its next gradient what it did not send, D - P^T (own
/// factor) with "local" (bounded), D - P^T Q with "global" (as PyTorch's hook; its mean over
/// replicas is the same, so are all outputs, but the parts drift apart).
///
/// Non-finite values: a parameter with an inf or nan on any replica becomes nan on all of them, and
/// its state stays as it was; all others are exchanged as ever. Nothing but the reduced factors
/// decides, so the replicas agree.
///
/// State by parameter name: "<name>/q" [R, N], the same on every replica, and "<name>/error", this
/// replica's. Outputs depend on the mean of the errors only: with another number of replicas load
/// that mean everywhere. Memory: twice the compressed parameters.
class PowerSgdExchange final : public GradientExchange {
 public:
  /// `parameters`: of the whole model in registration order, of which buckets may hold any part;
  /// they decide the first factors. The communicator is the exchange's own while a Work of it is
  /// open, and must outlive it.
  PowerSgdExchange(const config::CompressionConfig& config, comm::Communicator& replicas,
                   const std::vector<ParameterShape>& parameters, std::uint64_t seed);

  void begin_step(std::int64_t step) override;
  /// Throws c10::Error for a parameter that is not among `parameters` or has another shape.
  comm::Work exchange(const Bucket& bucket) override;
  void end_step(bool keep) override;

  ExchangeStatistics take_statistics() override;
  std::vector<NamedState> state() const override;
  /// Replaces all state: what is not given starts anew. A factor of another approximation rank is
  /// dropped. Throws Error(input) for an error of another shape.
  void load_state(const std::vector<NamedState>& state) override;

 private:
  struct Parameter {
    std::string name;
    std::vector<std::int64_t> shape;
    LowRankShape low_rank;
    bool compressed = false;
    at::Tensor first_q_RN;
    StepState q_RN, error_MN;
    double error_squares = 0, next_error_squares = 0;
  };
  struct Slot;   // a compressed gradient of the bucket in work
  struct Round;  // one bucket on its way through the steps of run()

  void draw_first_factors(std::int64_t index);
  Parameter& find(const NamedGradient& entry);
  void run(const Bucket& bucket);
  void send_left(Round& round);
  void send_right(Round& round);
  void rebuild(Round& round);

  config::CompressionConfig config_;
  std::uint64_t seed_;
  std::int64_t step_ = 0;
  std::vector<Parameter> parameters_;
  std::unordered_map<std::string, std::size_t> index_;
  Meter meter_;
  Wire wire_;
  AllReduceExchange plain_;
  ExchangeQueue queue_;  // last: its thread ends before what it uses
};

}  // namespace spillway::compression
