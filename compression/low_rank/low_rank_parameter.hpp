#pragma once

#include <string>
#include <utility>
#include <vector>

#include "compression/compressor.hpp"
#include "compression/low_rank/first_factor.hpp"
#include "compression/low_rank/low_rank_shape.hpp"

namespace spillway::compression {

/// What the low-rank methods know of a parameter from the start.
struct LowRankParameter {
  explicit LowRankParameter(const Member& member)
      : name(member.name),
        low_rank(low_rank_shape(member.shape, member.method.approximation_rank)),
        compressed(worth_compressing(low_rank, member.method.min_compression_rate)) {}

  std::string name;
  LowRankShape low_rank;  ///< its rank is the largest
  bool compressed = false;
  at::Tensor first_q_RN;  ///< on the CPU
};

/// Draws the first factors of the compressed ones, `index` as in factor_seed().
template <class Parameter>
void draw_first_factors(std::vector<Parameter>& parameters, std::uint64_t seed,
                        std::int64_t index) {
  std::vector<LowRankShape> shapes;
  for (const LowRankParameter& parameter : parameters) {
    if (parameter.compressed) shapes.push_back(parameter.low_rank);
  }
  std::vector<at::Tensor> factors = draw_factors(shapes, factor_seed(seed, index));
  auto factor = factors.begin();
  for (LowRankParameter& parameter : parameters) {
    if (parameter.compressed) parameter.first_q_RN = std::move(*factor++);
  }
}

}  // namespace spillway::compression
