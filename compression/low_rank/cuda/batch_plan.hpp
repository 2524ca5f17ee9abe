#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "compression/low_rank/cuda/batch_view.hpp"

namespace spillway::compression::batched {

/// How a batch lies in the memory of the device, and how many blocks its kernels have. The memory
/// begins with the tables that the host fills: matrices, first tiles and, last, outcomes, which the
/// host reads back; working memory follows.
class BatchPlan {
 public:
  /// `matrices`: with shapes and the memory of their tensors; this adds the rest.
  void make(std::span<const Matrix> matrices);

  std::size_t table_bytes() const { return outcomes_at() + matrices_.size() * sizeof(Outcome); }
  /// Of the outcomes within the tables.
  std::size_t outcomes_at() const;
  std::size_t bytes() const { return table_bytes() + work_bytes_; }
  std::int64_t blocks(Tiling tiling) const { return blocks_.at(tiling); }
  int count() const { return static_cast<int>(matrices_.size()); }

  /// Writes the tables to `host`, for memory at `device` of bytes() bytes, aligned to 16.
  void write_tables(std::byte* host, std::byte* device);
  /// The batch in that memory.
  Batch view(std::byte* device) const;

 private:
  std::size_t place_work(std::uintptr_t start);
  std::size_t first_tiles_at() const { return matrices_.size() * sizeof(Matrix); }

  std::vector<Matrix> matrices_;
  std::vector<std::int64_t> first_tiles_;
  std::array<std::int64_t, kTilings> blocks_ = {};
  std::size_t work_bytes_ = 0;
};

}  // namespace spillway::compression::batched
