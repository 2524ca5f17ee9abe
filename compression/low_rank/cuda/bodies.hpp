#pragma once

#include "compression/low_rank/cuda/cholesky_body.hpp"
#include "compression/low_rank/cuda/factor_elements_body.hpp"
#include "compression/low_rank/cuda/gram_body.hpp"
#include "compression/low_rank/cuda/gram_schmidt_body.hpp"
#include "compression/low_rank/cuda/kernel.hpp"
#include "compression/low_rank/cuda/normalize_body.hpp"
#include "compression/low_rank/cuda/project_body.hpp"
#include "compression/low_rank/cuda/project_transposed_body.hpp"
#include "compression/low_rank/cuda/reconstruct_body.hpp"
#include "compression/low_rank/cuda/sum_squares_body.hpp"

namespace spillway::compression::batched {

// A body is what one block of a kernel does: Body::run(block, batch, shared), with shared of type
// Body::Shared in the memory of the block. block.index() is its number; block.each_thread(f) runs
// f(thread) for all kThreads threads and comes back when all are done, so what one thread needs of
// another lies in different calls. Everything between the calls is the same for all threads, and
// what it reads of shared memory the next call must not write.

/// Gives `run` the body of a kernel: run.template operator()<Body>().
template <class Run>
void with_body(Kernel kernel, const Run& run) {
  switch (kernel) {
    case Kernel::project:
      return run.template operator()<ProjectBody>();
    case Kernel::project_transposed:
      return run.template operator()<ProjectTransposedBody>();
    case Kernel::sum_parts:
      return run.template operator()<SumPartsBody>();
    case Kernel::check_finite:
      return run.template operator()<CheckFiniteBody>();
    case Kernel::gram:
      return run.template operator()<GramBody<false>>();
    case Kernel::cholesky:
      return run.template operator()<CholeskyBody<false>>();
    case Kernel::gram_again:
      return run.template operator()<GramBody<true>>();
    case Kernel::cholesky_again:
      return run.template operator()<CholeskyBody<true>>();
    case Kernel::normalize:
      return run.template operator()<NormalizeBody>();
    case Kernel::gram_schmidt:
      return run.template operator()<GramSchmidtBody>();
    case Kernel::reconstruct:
      return run.template operator()<ReconstructBody>();
    case Kernel::sum_squares:
      return run.template operator()<SumSquaresBody>();
  }
}

}  // namespace spillway::compression::batched
