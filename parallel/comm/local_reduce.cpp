#include "parallel/comm/local_reduce.hpp"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <array>
#include <type_traits>

#include "configs/error.hpp"

namespace spillway::comm {
namespace {

/// Elements summed at a time: the accumulators stay in the first-level cache.
constexpr std::int64_t kBlock = 2048;

struct Sum {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
      using U = std::make_unsigned_t<T>;
      return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
    }
    return static_cast<T>(a + b);
  }
};

struct Max {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) return a > b || a != a ? a : b;
    return a > b ? a : b;
  }
};

template <typename T, typename Accumulator, typename Op>
void reduce(std::byte* output, std::int64_t count, const std::vector<const std::byte*>& parts,
            Op op) {
  std::array<Accumulator, kBlock> sums;
  for (std::int64_t first = 0; first < count; first += kBlock) {
    const std::size_t length = static_cast<std::size_t>(std::min(kBlock, count - first));
    const T* start = reinterpret_cast<const T*>(parts[0]) + first;
    for (std::size_t i = 0; i < length; ++i) sums[i] = static_cast<Accumulator>(start[i]);
    for (std::size_t p = 1; p < parts.size(); ++p) {
      const T* part = reinterpret_cast<const T*>(parts[p]) + first;
      for (std::size_t i = 0; i < length; ++i)
        sums[i] = op(sums[i], static_cast<Accumulator>(part[i]));
    }
    T* target = reinterpret_cast<T*>(output) + first;
    for (std::size_t i = 0; i < length; ++i) target[i] = static_cast<T>(sums[i]);
  }
}

template <typename Op>
void reduce_by_type(Buffer output, const std::vector<const std::byte*>& parts, Op op) {
  switch (output.type) {
    case at::kFloat:
      return reduce<float, float>(output.data, output.count, parts, op);
    case at::kBFloat16:
      return reduce<c10::BFloat16, float>(output.data, output.count, parts, op);
    case at::kHalf:
      return reduce<c10::Half, float>(output.data, output.count, parts, op);
    case at::kInt:
      return reduce<std::int32_t, std::int32_t>(output.data, output.count, parts, op);
    case at::kLong:
      return reduce<std::int64_t, std::int64_t>(output.data, output.count, parts, op);
    case at::kByte:
      return reduce<std::uint8_t, std::uint8_t>(output.data, output.count, parts, op);
    default:
      fail("local_reduce: unsupported type " + std::string(c10::toString(output.type)));
  }
}

}  // namespace

void local_reduce(Buffer output, const std::vector<const std::byte*>& parts, ReduceOp op) {
  if (op == ReduceOp::max) {
    reduce_by_type(output, parts, Max{});
  } else {
    reduce_by_type(output, parts, Sum{});
  }
}

}  // namespace spillway::comm
