#pragma once

#include "compression/compressor.hpp"
#include "compression/sparse/random_indices.hpp"
#include "compression/wire.hpp"
#include "compression/workspace.hpp"

namespace spillway::compression {

/// Sends of each tensor a random part, `density` of its elements, the same on every replica, and
/// keeps the rest for the next step: random-k with error feedback, Stich et al. 2018,
/// arXiv:1809.07599. The replicas draw the indices alike from (seed, step, parameter), so only
/// values travel, as `wire`, in one all-reduce. Not scaled up: what is missing comes with a later
/// step. No state but the error.
class RandomK final : public Compressor {
 public:
  /// See TopK. The order of `members` decides the draws.
  RandomK(const config::CompressionMethod& method, const std::vector<Member>& members,
          comm::Communicator& replicas, Meter& meter, std::uint64_t seed);

  bool feeds_back() const override { return true; }
  void begin_step(std::int64_t step) override { step_ = step; }
  void exchange(std::span<Piece> pieces) override;

 private:
  struct Parameter {
    double density = 0;
    std::uint64_t index = 0;
  };
  at::Tensor draw(const Piece& piece, std::int64_t count);
  bool keep(const Piece& piece, const at::Tensor& indices, const at::Tensor& values);

  std::unordered_map<std::string, Parameter> parameters_;
  std::uint64_t seed_;
  std::int64_t step_ = 0;
  Wire wire_;
  RandomIndices indices_;
  Workspace workspace_;
};

}  // namespace spillway::compression
