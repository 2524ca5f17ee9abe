#include "compression/quantize/sign.hpp"

#include <cstring>

#include "compression/quantize/quantize_kernels.hpp"

namespace spillway::compression {
namespace {

std::int64_t groups(std::int64_t n) { return (n + kSignGroup - 1) / kSignGroup; }

/// Nothing is written through the result where the payload is only read.
kernels::Quantized parts(const std::byte* payload, std::int64_t n) {
  auto* start = const_cast<std::byte*>(payload);
  return {.n = n,
          .bits = 2,
          .scales = reinterpret_cast<float*>(start),
          .codes = reinterpret_cast<std::uint8_t*>(start + 4 * groups(n))};
}

}  // namespace

std::int64_t sign_bytes(std::int64_t n) { return 4 * groups(n) + (n + 15) / 16 * 4; }

void pack_signs(const float* values, std::int64_t n, std::byte* payload) {
  kernels::pack_signs(values, parts(payload, n));
  const std::int64_t written = 4 * groups(n) + (n + 3) / 4;
  std::memset(payload + written, 0, static_cast<std::size_t>(sign_bytes(n) - written));
}

void unpack_signs(const std::byte* payload, std::int64_t n, float* values) {
  kernels::unpack_signs(parts(payload, n), values);
}

void unpack_signs_add(const std::byte* payload, std::int64_t n, float* values) {
  kernels::unpack_signs_add(parts(payload, n), values);
}

}  // namespace spillway::compression
