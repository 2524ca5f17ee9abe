#include "parallel/comm/overlap.hpp"

#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "parallel/comm/measured_time.hpp"

namespace spillway::comm {
namespace {

constexpr std::int64_t kWidth = 192;

/// Products of small matrices, one after the other; back when they are computed.
void compute(const at::Tensor& matrix, std::int64_t products) {
  at::Tensor result = matrix;
  for (std::int64_t i = 0; i < products; ++i) at::mm_out(result, matrix, matrix);
  static_cast<void>(result[0][0].item<float>());
}

}  // namespace

double Overlap::hidden() const {
  return (communication + computation - both) / std::min(communication, computation);
}

Overlap measure_overlap(Communicator& world, const BenchmarkCase& what,
                        const BenchmarkOptions& options) {
  const auto device = at::TensorOptions().device(device_of(world));
  const std::int64_t count = what.bytes / static_cast<std::int64_t>(c10::elementSize(what.type));
  const at::Tensor tensor = at::zeros({count}, device.dtype(what.type));
  const at::Tensor matrix = at::full({kWidth, kWidth}, 1.0 / kWidth, device.dtype(at::kFloat));
  const auto communicate = [&] { finish(world.all_reduce(tensor)); };

  // As many products as take the time of the all-reduce, agreed on by all ranks.
  communicate();
  compute(matrix, 1);
  const std::int64_t wire = nanoseconds_of(communicate),
                     ten = nanoseconds_of([&] { compute(matrix, 10); });
  const at::Tensor wanted = at::tensor(
      {std::max<std::int64_t>(1, 10 * wire / std::max<std::int64_t>(1, ten))}, at::kLong);
  const std::int64_t products = over_all_ranks(world, wanted, ReduceOp::max).item<std::int64_t>();

  std::vector<std::int64_t> communication, computation, both;
  for (int i = 0; i < options.iterations; ++i) {
    finish(world.barrier());
    communication.push_back(nanoseconds_of(communicate));
    finish(world.barrier());
    computation.push_back(nanoseconds_of([&] { compute(matrix, products); }));
    finish(world.barrier());
    both.push_back(nanoseconds_of([&] {
      const Work work = world.all_reduce(tensor);
      compute(matrix, products);
      finish(work);
    }));
  }
  return {median_seconds(world, communication), median_seconds(world, computation),
          median_seconds(world, both)};
}

}  // namespace spillway::comm
