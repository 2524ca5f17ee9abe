#include "compression/low_rank/first_factor.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>
#include <c10/util/Exception.h>

#include <random>

namespace spillway::compression {

std::uint64_t factor_seed(std::uint64_t seed, std::int64_t index) {
  TORCH_CHECK(index >= 0, "factor seed: index is ", index, "; valid: >= 0");
  std::mt19937 generator(static_cast<std::uint32_t>(seed));
  std::uint64_t value = 0;
  for (std::int64_t drawn = 0; drawn <= index;) {
    value = generator() & 0x3FFFFFFF;  // numpy: the bits of the bound, values above it rejected
    if (value <= 999'999'999) ++drawn;
  }
  return value;
}

std::vector<at::Tensor> draw_factors(const std::vector<LowRankShape>& shapes,
                                     std::uint64_t drawn_from) {
  const at::Generator generator = at::detail::createCPUGenerator(drawn_from);
  std::vector<at::Tensor> factors(shapes.size());
  for (std::size_t first = 0; first < shapes.size(); ++first) {
    if (factors[first].defined()) continue;  // its group is done
    for (std::size_t i = first; i < shapes.size(); ++i) {
      const auto& [rows, columns, approximation_rank] = shapes[i];
      if (rows != shapes[first].rows || columns != shapes[first].columns) continue;
      factors[i] =
          at::randn({1, columns, approximation_rank}, generator, at::kFloat)[0].t().contiguous();
    }
  }
  return factors;
}

}  // namespace spillway::compression
