#pragma once

#include <cstdint>

namespace spillway::trainer::kernels {

// Vector kernels behind norm.hpp on the CPU, compiled for several instruction sets and chosen at
// run time. Rows are contiguous; no alignment needed. Everything is computed in float32; a bfloat16
// result is rounded once, to nearest even.

/// Rows x [rows, width] of float32 (or bfloat16, if `bf16`) and what they are normalised with.
/// Without bias it is an RMSNorm and `mean` is not touched.
struct NormRows {
  bool bf16 = false;
  std::int64_t width = 0;
  const void* x = nullptr;
  const float* gain = nullptr;  ///< [width]
  const float* bias = nullptr;  ///< [width], or nullptr
  float* mean = nullptr;        ///< [rows]
  float* scale = nullptr;       ///< [rows]: 1 / sqrt(variance + epsilon)
};

/// Rows [begin, end): writes mean, scale and y = (x - mean) scale gain + bias, in the type of x.
void norm_forward(const NormRows& rows, float epsilon, void* y, std::int64_t begin,
                  std::int64_t end);

/// Rows [begin, end), from dy in the type of x: writes dx in that type, and adds to gain_gradient
/// [width] and, unless nullptr, bias_gradient [width], row after row.
void norm_backward(const NormRows& rows, const void* dy, void* dx, float* gain_gradient,
                   float* bias_gradient, std::int64_t begin, std::int64_t end);

}  // namespace spillway::trainer::kernels
