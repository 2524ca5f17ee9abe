#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compression/compressor.hpp"
#include "compression/low_rank/factor_exchange.hpp"
#include "compression/low_rank/low_rank_shape.hpp"
#include "compression/low_rank/power_iterations.hpp"
#include "compression/workspace.hpp"

namespace spillway::compression {

/// The matrix of BucketPowerSgd for n elements.
LowRankShape bucket_shape(std::int64_t numel, std::int64_t approximation_rank);

/// PowerSGD (see power_sgd.hpp) on what a bucket holds for it as one matrix, as square as it can
/// be: n elements fill [ceil(n / columns), columns] row by row, columns = ceil(sqrt(n)), zeros
/// behind. Vectors are compressed too, in two small all-reduces whatever is in the bucket; the
/// matrix has little structure, so for equal bytes it misses more than tensors do. PyTorch's
/// batched_powerSGD_hook is meant to be this. Two passes more over the gradient, to and from the
/// matrix.
///
/// State: "<name>/bucket_q" [R, columns] under the name of the bucket's first parameter; where
/// buckets are cut differently after a resume, it starts anew. The error is kept by parameter.
class BucketPowerSgd final : public Compressor {
 public:
  BucketPowerSgd(const config::CompressionConfig& config, const config::CompressionMethod& method,
                 const std::vector<Member>& members, comm::Communicator& replicas, Meter& meter,
                 std::uint64_t seed);

  bool feeds_back() const override { return true; }
  void begin_step(std::int64_t step) override;
  void exchange(std::span<Piece> pieces) override;
  void end_step(bool keep) override;
  void append_state(std::vector<NamedState>& state) const override;
  void take_state(StateMap& state) override;

 private:
  config::CompressionConfig config_;
  config::CompressionMethod method_;
  std::vector<std::string> members_;
  std::uint64_t seed_;
  std::int64_t draw_ = 0;  ///< number of the random factor
  PowerIterations power_;
  std::map<std::string, StepState> q_RN_;  ///< by first parameter
  ErrorFeedback rest_;                     ///< of the matrix, on its way to the parameters
  Workspace workspace_;
  FactorExchange factors_;
};

}  // namespace spillway::compression
