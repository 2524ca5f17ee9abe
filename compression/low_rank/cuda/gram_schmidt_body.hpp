#pragma once

#include <cmath>

#include "compression/low_rank/cuda/batch_view.hpp"
#include "compression/low_rank/degenerate.hpp"

namespace spillway::compression::batched {

/// Gram-Schmidt twice in float64 for numerically singular factors, a block a matrix, with the rule
/// of orthogonalize.cpp for degenerate rows. A row for which no direction serves puts the matrix
/// out.
struct GramSchmidtBody {
  struct Shared {
    double sums[kThreads];
  };

  template <class Block>
  SPILLWAY_DEVICE static void run(const Block& block, const Batch& batch, Shared& shared) {
    const Matrix& m = batch.matrices[block.index()];
    Outcome& outcome = batch.outcomes[block.index()];
    if (outcome.pass != Pass::singular) return;
    const Factor given = factor(m, batch.side);
    const std::int64_t n = given.across, size = m.rank * n;
    double* rows = m.rows_work;
    block.each_thread([&](int thread) {
      for (std::int64_t e = thread; e < size; e += kThreads)
        rows[e] = static_cast<double>(given.values[e]);
    });
    const double used = block_sum(
        block, shared, n, [&](std::int64_t k) { return is_used(given, m.rank, k) ? 1.0 : 0.0; });
    const bool use_all = used < m.rank;
    bool served = true;
    for (int j = 0; j < m.rank && served; ++j) {
      double* row = rows + j * n;
      served = normalize(block, shared, rows, j, n);
      for (std::uint64_t attempt = 0; !served && attempt < kAttempts; ++attempt) {
        const std::uint64_t seed = static_cast<std::uint64_t>(j) * kAttempts + attempt;
        block.each_thread([&](int thread) {
          for (std::int64_t k = thread; k < n; k += kThreads)
            row[k] = use_all || is_used(given, m.rank, k) ? noise(seed, k) : 0.0;
        });
        served = normalize(block, shared, rows, j, n);
      }
    }
    block.each_thread([&](int thread) {
      if (!served && thread == 0) outcome.finite = 0;
      for (std::int64_t e = thread; served && e < size; e += kThreads)
        given.values[e] = static_cast<float>(rows[e]);
    });
  }

 private:
  /// Whether the column is not all zero.
  SPILLWAY_DEVICE static bool is_used(const Factor& given, int rank, std::int64_t column) {
    bool used = false;
    for (int i = 0; i < rank; ++i) used = used || given.values[i * given.across + column] != 0;
    return used;
  }

  /// Sum of term(k) over k < n, in an order that depends on n alone.
  template <class Block, class Term>
  SPILLWAY_DEVICE static double block_sum(const Block& block, Shared& shared, std::int64_t n,
                                          const Term& term) {
    block.each_thread([&](int thread) {
      double sum = 0;
      for (std::int64_t k = thread; k < n; k += kThreads) sum += term(k);
      shared.sums[thread] = sum;
    });
    for (int half = kThreads / 2; half > 0; half /= 2) {
      block.each_thread([&](int thread) {
        if (thread < half) shared.sums[thread] += shared.sums[thread + half];
      });
    }
    const double sum = shared.sums[0];
    block.each_thread([](int) {});  // nobody writes the next sums before all have read this one
    return sum;
  }

  /// Takes the directions of the rows above out of row j, twice, and gives it length 1. False when
  /// nothing but noise remains.
  template <class Block>
  SPILLWAY_DEVICE static bool normalize(const Block& block, Shared& shared, double* rows, int j,
                                        std::int64_t n) {
    double* row = rows + j * n;
    const auto length = [&] {
      return std::sqrt(
          block_sum(block, shared, n, [&](std::int64_t k) { return row[k] * row[k]; }));
    };
    const double before = length();
    double after = before;
    for (int pass = 0; pass < 2; ++pass) {
      for (int i = 0; i < j; ++i) {
        const double* unit = rows + i * n;
        const double share =
            block_sum(block, shared, n, [&](std::int64_t k) { return unit[k] * row[k]; });
        block.each_thread([&](int thread) {
          for (std::int64_t k = thread; k < n; k += kThreads) row[k] -= share * unit[k];
        });
      }
      after = length();
      if (!(after > kDegenerate * before)) return false;
    }
    block.each_thread([&](int thread) {
      for (std::int64_t k = thread; k < n; k += kThreads) row[k] /= after;
    });
    return true;
  }
};

}  // namespace spillway::compression::batched
