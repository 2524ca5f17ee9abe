#pragma once

#include <cstddef>
#include <cstdint>

namespace spillway::compression::kernels {

// Vector kernels behind quantize.hpp and sign.hpp, compiled for several instruction sets and chosen
// at run time; the bits are the same on all of them.

/// Payload of n elements: `scales`, one for each group, and `codes`, without what fills them up.
struct Quantized {
  std::int64_t n = 0;
  int bits = 8;  ///< 8 or 4; not read by the sign codes
  float* scales = nullptr;
  std::uint8_t* codes = nullptr;
};

/// `first` is the index of values[0] in the stream `seed` of random numbers.
void quantize(const float* values, const Quantized& to, std::uint64_t seed, std::uint64_t first);
void dequantize(const Quantized& from, float* values);
void dequantize_add(const Quantized& from, float* values);

void pack_signs(const float* values, const Quantized& to);
void unpack_signs(const Quantized& from, float* values);
void unpack_signs_add(const Quantized& from, float* values);

}  // namespace spillway::compression::kernels
