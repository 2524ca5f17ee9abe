#pragma once

#include "compression/compressor.hpp"
#include "compression/quantize/sharded_mean.hpp"

namespace spillway::compression {

/// Sends of every element its sign, and of every group a scale, and keeps the rest for the next
/// step: EF-signSGD, Karimireddy et al. 2019, arXiv:1901.09847, Algorithm 1 (see sign.hpp), in the
/// two rounds of sharded_mean(). Exact zeros stay zero. No state but the error.
class SignSgd final : public Compressor {
 public:
  SignSgd(comm::Communicator& replicas, Meter& meter) : wire_(replicas, "fp32", meter) {}

  bool feeds_back() const override { return true; }
  void exchange(std::span<Piece> pieces) override;

 private:
  void keep(Piece& piece, const at::Tensor& rest);

  Wire wire_;
  Workspace joined_, workspace_;
};

/// See shard_bytes().
std::int64_t sign_shard_bytes(std::int64_t n, int replicas);

}  // namespace spillway::compression
