#include "compression/quantize/quantize.hpp"

#include <c10/util/Exception.h>

#include <cstring>

#include "compression/quantize/quantize_kernels.hpp"

namespace spillway::compression {
namespace {

std::int64_t groups(std::int64_t n) { return (n + kQuantizedGroup - 1) / kQuantizedGroup; }

std::int64_t code_bytes(std::int64_t n, int bits) { return bits == 8 ? n : (n + 1) / 2; }

/// Nothing is written through the result where the payload is only read.
kernels::Quantized parts(const std::byte* payload, std::int64_t n, int bits) {
  TORCH_CHECK(bits == 8 || bits == 4, "quantize: ", bits, " bits an element; valid: 8, 4");
  auto* start = const_cast<std::byte*>(payload);
  return {.n = n,
          .bits = bits,
          .scales = reinterpret_cast<float*>(start),
          .codes = reinterpret_cast<std::uint8_t*>(start + 4 * groups(n))};
}

}  // namespace

std::int64_t quantized_bytes(std::int64_t n, int bits) {
  return 4 * groups(n) + (code_bytes(n, bits) + 3) / 4 * 4;
}

void quantize(const float* values, std::int64_t n, int bits, std::uint64_t seed,
              std::int64_t first_index, std::byte* payload) {
  TORCH_CHECK(first_index >= 0 && first_index % kQuantizedGroup == 0, "quantize: first index is ",
              first_index, "; valid: multiples of ", kQuantizedGroup);
  const kernels::Quantized to = parts(payload, n, bits);
  kernels::quantize(values, to, seed, static_cast<std::uint64_t>(first_index));
  const std::int64_t written = 4 * groups(n) + code_bytes(n, bits);
  std::memset(payload + written, 0, static_cast<std::size_t>(quantized_bytes(n, bits) - written));
}

void dequantize(const std::byte* payload, std::int64_t n, int bits, float* values) {
  kernels::dequantize(parts(payload, n, bits), values);
}

void dequantize_add(const std::byte* payload, std::int64_t n, int bits, float* values) {
  kernels::dequantize_add(parts(payload, n, bits), values);
}

}  // namespace spillway::compression
