#pragma once

#include <cmath>

#include "compression/low_rank/cuda/gram_body.hpp"
#include "compression/low_rank/degenerate.hpp"

namespace spillway::compression::batched {

/// Adds up the Gram matrix of a factor and inverts its Cholesky factor L, a block a matrix; says
/// what the factor needs next. With Again, in the second pass, the product of both inverses comes
/// out, so that one multiplication makes the factor orthonormal.
template <bool Again>
struct CholeskyBody {
  struct Shared {
    double a[kMaxRank][kMaxRank + 1];  // L below the diagonal, its inverse transposed above
    double root[kMaxRank];             // diagonal of L
    double squares[kMaxRank];          // lengths of the rows
    double sums[kMaxRank];
    bool finite, singular;
  };

  template <class Block>
  SPILLWAY_DEVICE static void run(const Block& block, const Batch& batch, Shared& shared) {
    const Matrix& m = batch.matrices[block.index()];
    Outcome& outcome = batch.outcomes[block.index()];
    const bool concerned = outcome.finite != 0 && (!Again || outcome.pass == Pass::rough);
    if (concerned) gather(block, batch, m, shared);
    if (Again && !concerned) return;
    Pass pass = Pass::out;
    if (concerned && shared.finite)
      pass = decompose(block, m, shared) ? Pass::second : Pass::singular;
    if (pass == Pass::second) {
      invert(block, m, shared);
      write_inverse(block, m, shared);
      if (!Again) pass = is_exact(block, m, shared) ? Pass::first : Pass::rough;
    }
    block.each_thread([&](int thread) {
      if (thread == 0) outcome.pass = pass;
    });
  }

 private:
  template <class Block>
  SPILLWAY_DEVICE static void gather(const Block& block, const Batch& batch, const Matrix& m,
                                     Shared& shared) {
    const int pairs = pair_index(m.rank, 0);
    const std::int64_t across = factor(m, batch.side).across;
    const std::int64_t tiles = (across + kFactorColumns - 1) / kFactorColumns;
    block.each_thread([&](int thread) {
      if (thread == 0) shared.singular = false;
      for (int e = thread; e < m.rank * m.rank; e += kThreads) {
        const int i = e / m.rank, j = e % m.rank;
        double sum = 0;
        for (std::int64_t t = 0; j <= i && t < tiles; ++t)
          sum += m.gram_parts[t * pairs + pair_index(i, j)];
        shared.a[i][j] = sum;
        if (i == j) shared.squares[i] = sum;
      }
    });
    block.each_thread([&](int thread) {
      if (thread != 0) return;
      bool finite = true;
      for (int i = 0; i < m.rank; ++i) finite = finite && is_finite(shared.squares[i]);
      shared.finite = finite;
    });
  }

  /// Cholesky, column by column. False when a pivot says that a row depends on those above.
  template <class Block>
  SPILLWAY_DEVICE static bool decompose(const Block& block, const Matrix& m, Shared& shared) {
    auto& a = shared.a;
    for (int j = 0; j < m.rank; ++j) {
      block.each_thread([&](int thread) {
        const double pivot = a[j][j], root = std::sqrt(pivot);
        if (thread == 0) shared.root[j] = root;
        if (thread == 0 && !(pivot > kDegenerate * kDegenerate * shared.squares[j]))
          shared.singular = true;
        for (int i = j + 1 + thread; i < m.rank; i += kThreads) a[i][j] /= root;
      });
      if (shared.singular) return false;
      const int rest = m.rank - j - 1;
      block.each_thread([&](int thread) {
        for (int e = thread; e < rest * rest; e += kThreads) {
          const int i = j + 1 + e / rest, k = j + 1 + e % rest;
          if (k <= i) a[i][k] -= a[i][j] * a[k][j];
        }
      });
    }
    return true;
  }

  /// Solves L X = 1 row by row; X[i][j] ends in a[j][i], its diagonal is 1 / root.
  template <class Block>
  SPILLWAY_DEVICE static void invert(const Block& block, const Matrix& m, Shared& shared) {
    auto& a = shared.a;
    for (int k = 0; k < m.rank; ++k) {
      block.each_thread([&](int thread) {
        for (int j = thread; j < k; j += kThreads) a[j][k] /= shared.root[k];
      });
      const int below = m.rank - k - 1;
      block.each_thread([&](int thread) {
        for (int e = thread; e < below * (k + 1); e += kThreads) {
          const int i = k + 1 + e / (k + 1), j = e % (k + 1);
          a[j][i] -= a[i][k] * inverse(shared, k, j);
        }
      });
    }
  }

  template <class Block>
  SPILLWAY_DEVICE static void write_inverse(const Block& block, const Matrix& m, Shared& shared) {
    block.each_thread([&](int thread) {
      for (int e = thread; e < m.rank * m.rank; e += kThreads) {
        const int i = e / m.rank, j = e % m.rank;
        if (!Again) {
          m.inverse[e] = j <= i ? inverse(shared, i, j) : 0.0;
          continue;
        }
        double sum = 0;
        for (int k = j; k <= i; ++k) sum += inverse(shared, i, k) * m.inverse[k * m.rank + j];
        m.inverse[m.rank * m.rank + e] = sum;
      }
    });
  }

  /// Whether one pass leaves an error far below float32's rounding: 2^-53 cond^2, of the rows
  /// scaled to length 1.
  template <class Block>
  SPILLWAY_DEVICE static bool is_exact(const Block& block, const Matrix& m, Shared& shared) {
    block.each_thread([&](int thread) {
      if (thread >= m.rank) return;
      double sum = 0;
      for (int j = 0; j <= thread; ++j) {
        const double x = inverse(shared, thread, j);
        sum += x * x * shared.squares[j];
      }
      shared.sums[thread] = sum;
    });
    double condition_squared = 0;
    for (int i = 0; i < m.rank; ++i) condition_squared += shared.sums[i];
    return condition_squared * m.rank < kOnePass;
  }

  SPILLWAY_DEVICE static double inverse(const Shared& shared, int i, int j) {
    return i == j ? 1 / shared.root[i] : shared.a[j][i];
  }
};

}  // namespace spillway::compression::batched
