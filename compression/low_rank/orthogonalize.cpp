#include "compression/low_rank/orthogonalize.hpp"

#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "compression/low_rank/degenerate.hpp"

namespace spillway::compression {
namespace {

/// Replaces the symmetric matrix by the inverse of its lower Cholesky factor. False when a pivot
/// says that a row depends on those above.
bool invert_cholesky(at::Tensor& gram_RR) {
  const std::int64_t rows = gram_RR.size(0);
  auto a = gram_RR.accessor<double, 2>();
  for (std::int64_t j = 0; j < rows; ++j) {
    double pivot = a[j][j];
    for (std::int64_t k = 0; k < j; ++k) pivot -= a[j][k] * a[j][k];
    if (!(pivot > kDegenerate * kDegenerate * a[j][j])) return false;
    const double diagonal = std::sqrt(pivot);
    a[j][j] = diagonal;
    for (std::int64_t i = j + 1; i < rows; ++i) {
      double sum = a[i][j];
      for (std::int64_t k = 0; k < j; ++k) sum -= a[i][k] * a[j][k];
      a[i][j] = sum / diagonal;
      a[j][i] = 0;
    }
  }
  for (std::int64_t j = 0; j < rows; ++j) {  // column by column, in place
    a[j][j] = 1 / a[j][j];
    for (std::int64_t i = j + 1; i < rows; ++i) {
      double sum = 0;
      for (std::int64_t k = j; k < i; ++k) sum -= a[i][k] * a[k][j];
      a[i][j] = sum / a[i][i];
    }
  }
  return true;
}

enum class Pass : std::uint8_t { singular, rough, exact };

/// One pass of CholeskyQR. Its result is orthonormal to about 2^-53 cond^2, of the rows scaled to
/// length 1; `exact` when that is far below float32's rounding, so that no second pass is needed.
Pass cholesky_qr(at::Tensor& a_RN) {
  at::Tensor gram_RR = at::mm(a_RN, a_RN.t()).cpu();
  const at::Tensor squares_R = gram_RR.diagonal().clone();
  if (!invert_cholesky(gram_RR)) return Pass::singular;
  a_RN = at::mm(gram_RR.to(a_RN.device()), a_RN);
  const double condition_squared =
      static_cast<double>(a_RN.size(0)) * at::mv(gram_RR.square(), squares_R).sum().item<double>();
  return condition_squared < kOnePass ? Pass::exact : Pass::rough;
}

/// False when the matrix is numerically singular.
bool cholesky_qr2(at::Tensor& a_RN) {
  const Pass first = cholesky_qr(a_RN);
  return first == Pass::exact || (first == Pass::rough && cholesky_qr(a_RN) != Pass::singular);
}

double dot(const double* a, const double* b, std::int64_t n) {
  double sum[4] = {};
  std::int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (std::int64_t k = 0; k < 4; ++k) sum[k] += a[i + k] * b[i + k];
  }
  for (; i < n; ++i) sum[0] += a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/// Takes the directions of the `above` orthonormal rows out of `row`, twice ("twice is enough",
/// Parlett), and normalizes it. False, leaving the row unnormalized, when nothing but noise
/// remains.
bool normalize_against(const double* rows, std::int64_t above, double* row, std::int64_t n) {
  const double before = std::sqrt(dot(row, row, n));
  double length = before;
  for (int pass = 0; pass < 2; ++pass) {
    for (std::int64_t i = 0; i < above; ++i) {
      const double* unit = rows + i * n;
      const double share = dot(unit, row, n);
      for (std::int64_t k = 0; k < n; ++k) row[k] -= share * unit[k];
    }
    length = std::sqrt(dot(row, row, n));
    if (!(length > kDegenerate * before)) return false;
  }
  for (std::int64_t k = 0; k < n; ++k) row[k] /= length;
  return true;
}

/// Columns of a_RN that are not all zero; none are left out when they are fewer than the rows.
std::vector<bool> used_columns(const double* rows, std::int64_t count, std::int64_t n) {
  std::vector<bool> used(static_cast<std::size_t>(n), false);
  std::int64_t number = 0;
  for (std::int64_t k = 0; k < n; ++k) {
    bool nonzero = false;
    for (std::int64_t j = 0; j < count; ++j) nonzero = nonzero || rows[j * n + k] != 0;
    used[static_cast<std::size_t>(k)] = nonzero;
    number += nonzero;
  }
  if (number < count) used.assign(used.size(), true);
  return used;
}

void gram_schmidt_twice(at::Tensor& a_RN) {
  const std::int64_t count = a_RN.size(0), n = a_RN.size(1);
  auto* rows = a_RN.mutable_data_ptr<double>();
  const std::vector<bool> used = used_columns(rows, count, n);
  for (std::int64_t j = 0; j < count; ++j) {
    double* row = rows + j * n;
    bool kept = normalize_against(rows, j, row, n);
    for (std::uint64_t attempt = 0; !kept; ++attempt) {
      TORCH_CHECK(attempt < kAttempts, "orthogonalize: row ", j, " of ", count, " x ", n,
                  " is not finite");
      const std::uint64_t seed = static_cast<std::uint64_t>(j) * kAttempts + attempt;
      for (std::int64_t k = 0; k < n; ++k)
        row[k] = used[static_cast<std::size_t>(k)] ? noise(seed, k) : 0;
      kept = normalize_against(rows, j, row, n);
    }
  }
}

}  // namespace

void orthogonalize(at::Tensor& a_RN) {
  TORCH_CHECK(a_RN.dim() == 2 && a_RN.size(0) <= a_RN.size(1), "orthogonalize: shape ",
              a_RN.sizes(), " must be [R, N] with R <= N");
  at::Tensor work_RN = a_RN.to(at::kDouble);
  if (!cholesky_qr2(work_RN)) {
    work_RN = a_RN.to(at::Device(at::kCPU), at::kDouble).contiguous();
    gram_schmidt_twice(work_RN);
  }
  a_RN.copy_(work_RN);
}

}  // namespace spillway::compression
