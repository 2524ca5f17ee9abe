#pragma once

#include <cstdint>

namespace spillway::compression::kernels {

// Vector kernels behind skinny_gemm.hpp on the CPU, compiled for several instruction sets and
// chosen at run time. Matrices are float32 and row-major, no alignment needed. Bits do not depend
// on how callers cut the ranges.

/// Largest rank for which these beat a general matrix product.
inline constexpr std::int64_t kMaxRank = 64;

/// A gradient and its factors: grad [rows, columns], p [rank, rows], q and own [rank, columns],
/// error like grad or nullptr.
struct Operands {
  std::int64_t rows = 0, columns = 0, rank = 0;
  float* grad = nullptr;
  float* error = nullptr;
  float* p = nullptr;
  float* q = nullptr;
  const float* own = nullptr;
};

/// Rows [begin, end): grad += error (unless nullptr), p = q grad^T.
void project(const Operands& operands, std::int64_t begin, std::int64_t end);

/// Columns [begin, end): q = p grad.
void project_transposed(const Operands& operands, std::int64_t begin, std::int64_t end);

/// Rows [begin, end): error = grad - p^T own (unless nullptr), grad = p^T q. Returns the sum of
/// squares of error.
double reconstruct(const Operands& operands, std::int64_t begin, std::int64_t end);

}  // namespace spillway::compression::kernels
