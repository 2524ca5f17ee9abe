#pragma once

#include <ATen/core/Tensor.h>

namespace spillway::compression {

/// Makes the rows of a_RN [R, N] orthonormal, in place; their span stays. float32 in and out,
/// float64 between. CholeskyQR2 (Yamamoto et al. 2015, doi:10.1007/s11075-014-9856-9); a matrix
/// that is numerically singular goes through Gram-Schmidt twice instead. A row that adds nothing to
/// the rows above it (less than 3e-7 of its length: float32 noise) is replaced by a fixed
/// pseudo-random direction, so that the result always has R orthonormal rows and PowerSGD's warm
/// start never loses a direction. Orthonormal to 1e-6 for condition numbers up to 1e6. Equal bits
/// in give equal bits out, so replicas agree. Requires finite values and R <= N; throws c10::Error
/// for R > N.
void orthogonalize(at::Tensor& a_RN);

}  // namespace spillway::compression
