#include "compression/low_rank/cuda/batch_plan.hpp"

#include <algorithm>
#include <cstring>

namespace spillway::compression::batched {
namespace {

std::int64_t cut(std::int64_t size, std::int64_t piece) { return (size + piece - 1) / piece; }

std::int64_t tiles(const Matrix& m, Tiling tiling) {
  switch (tiling) {
    case kGradientTiles:
      return cut(m.rows, kTileRows) * m.across_tiles;
    case kTallTiles:
      return m.tall_tiles * cut(m.columns, kTallColumns);
    case kLeftElements:
      return cut(m.rank * m.rows, kElements);
    case kRightElements:
      return cut(m.rank * m.columns, kElements);
    case kLeftColumns:
      return cut(m.rows, kFactorColumns);
    default:
      return cut(m.columns, kFactorColumns);
  }
}

/// Hands out memory from `next` on.
class Carver {
 public:
  explicit Carver(std::uintptr_t start) : next_(start) {}
  template <class Element>
  Element* take(std::int64_t count) {
    auto* taken = reinterpret_cast<Element*>(next_);  // NOLINT(performance-no-int-to-ptr)
    next_ += static_cast<std::size_t>(cut(count * std::int64_t{sizeof(Element)}, 16) * 16);
    return taken;
  }
  std::uintptr_t next() const { return next_; }

 private:
  std::uintptr_t next_;
};

}  // namespace

void BatchPlan::make(std::span<const Matrix> matrices) {
  matrices_.assign(matrices.begin(), matrices.end());
  for (Matrix& m : matrices_) {
    m.across_tiles = static_cast<int>(cut(m.columns, kTileColumns));
    m.tall_tiles = static_cast<int>(cut(m.rows, kTallRows));
  }
  first_tiles_.clear();
  for (int t = 0; t < kTilings; ++t) {
    const auto tiling = static_cast<Tiling>(t);
    std::int64_t first = 0;
    for (const Matrix& m : matrices_) {
      first_tiles_.push_back(first);
      first += tiles(m, tiling);
    }
    first_tiles_.push_back(first);
    blocks_.at(tiling) = first;
  }
  work_bytes_ = place_work(0);
}

std::size_t BatchPlan::outcomes_at() const {
  const std::size_t end = first_tiles_at() + first_tiles_.size() * sizeof(std::int64_t);
  return (end + 15) / 16 * 16;
}

std::size_t BatchPlan::place_work(std::uintptr_t start) {
  Carver carver(start);
  for (Matrix& m : matrices_) {
    const std::int64_t across = std::max(m.rows, m.columns), pairs = m.rank * (m.rank + 1) / 2;
    m.parts =
        carver.take<float>(m.rank * std::max(m.rows * m.across_tiles, m.columns * m.tall_tiles));
    m.gram_parts = carver.take<double>(cut(across, kFactorColumns) * pairs);
    m.inverse = carver.take<double>(std::int64_t{2} * m.rank * m.rank);
    m.rows_work = carver.take<double>(m.rank * across);
    m.square_parts = carver.take<double>(tiles(m, kGradientTiles));
  }
  return carver.next() - start;
}

void BatchPlan::write_tables(std::byte* host, std::byte* device) {
  place_work(reinterpret_cast<std::uintptr_t>(device) + table_bytes());
  std::memcpy(host, matrices_.data(), first_tiles_at());
  std::memcpy(host + first_tiles_at(), first_tiles_.data(),
              first_tiles_.size() * sizeof(std::int64_t));
  const std::vector<Outcome> outcomes(matrices_.size());
  std::memcpy(host + outcomes_at(), outcomes.data(), outcomes.size() * sizeof(Outcome));
}

Batch BatchPlan::view(std::byte* device) const {
  Batch batch;
  batch.matrices = reinterpret_cast<const Matrix*>(device);
  batch.first_tiles = reinterpret_cast<const std::int64_t*>(device + first_tiles_at());
  batch.outcomes = reinterpret_cast<Outcome*>(device + outcomes_at());
  batch.count = count();
  return batch;
}

}  // namespace spillway::compression::batched
