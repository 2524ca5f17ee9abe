#pragma once

#include <cstdint>
#include <memory>

#include "compression/sparse/select_kernels.hpp"

namespace spillway::compression {

/// The k elements of an array that are largest in magnitude, exactly, in about one pass over it.
///
/// A sample bounds the k-th magnitude from below (Floyd and Rivest 1975,
/// doi:10.1145/360680.360691); one vector pass collects what reaches the bound into a buffer of
/// about 1.5 k pairs, which is cut to its k largest whenever it is full, so a bad bound costs time
/// and never the result. Of equal magnitudes those with the lowest index are taken. The result
/// depends on the input only, not on instruction set or sample. Infinities and nans count as the
/// largest.
///
/// Keeps its buffers: no allocation once the largest k has been seen. One object per thread.
class TopKSelector {
 public:
  /// Fills indices [k], ascending, and selected [k] with values[indices]. Throws c10::Error unless
  /// 0 <= k <= n < 2^31.
  void select(const float* values, std::int64_t n, std::int64_t k, std::int32_t* indices,
              float* selected);

 private:
  kernels::Pairs pairs() const { return {.indices = indices_.get(), .values = values_.get()}; }
  void reserve(std::int64_t capacity);
  std::int64_t collect(const float* values, std::int64_t n, std::int64_t k, std::uint32_t least);
  std::uint32_t cut(std::int64_t number, std::int64_t k, const kernels::Pairs& to);

  /// The bits of the k-th largest magnitude, and how many of the elements that have it are taken.
  struct Cut {
    std::uint32_t bits = 0;
    std::int64_t taken = 0;
  };
  Cut find_cut(std::int64_t number, std::int64_t k);

  std::int64_t capacity_ = 0;
  std::unique_ptr<std::int32_t[]> indices_;
  std::unique_ptr<float[]> values_, narrowed_;
  std::unique_ptr<std::uint32_t[]> sample_;
};

}  // namespace spillway::compression
