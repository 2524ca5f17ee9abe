#pragma once

#include <string>
#include <unordered_map>

#include "compression/compressor.hpp"
#include "compression/sparse/select.hpp"
#include "compression/wire.hpp"
#include "compression/workspace.hpp"

namespace spillway::compression {

/// Sends of each tensor the elements that are largest in magnitude, `density` of them, with their
/// indices (int32), and keeps the rest for the next step: top-k with error feedback, Stich et al.
/// 2018, arXiv:1809.07599, Algorithm 1. Replicas choose different elements, so one all-gather
/// carries them: what a replica receives grows with the number of replicas. Values travel as
/// `wire`; what rounding takes is kept too. No state but the error.
class TopK final : public Compressor {
 public:
  /// Members have the method of `method` but for the density.
  TopK(const config::CompressionMethod& method, const std::vector<Member>& members,
       comm::Communicator& replicas, Meter& meter);

  bool feeds_back() const override { return true; }
  void exchange(std::span<Piece> pieces) override;

 private:
  void select(const at::Tensor& values, const at::Tensor& indices, const at::Tensor& selected);

  std::unordered_map<std::string, double> density_;
  Wire wire_;
  TopKSelector selector_;
  Workspace workspace_;
};

/// Of the indices and values, `width` bytes each, of `count` elements; a multiple of 4.
std::int64_t top_k_bytes(std::int64_t count, std::int64_t width);

}  // namespace spillway::compression
