// The kernels for batches with a thread of the host for every thread of a block, as on a GPU:
// ThreadSanitizer then finds what lacks a barrier.
#include <gtest/gtest.h>

#include <barrier>
#include <thread>

#include "tests/compression/low_rank/host_launcher.hpp"
#include "tests/compression/low_rank/matrices.hpp"

namespace spillway::compression {
namespace {

/// A block as one of its threads sees it.
class ThreadedBlock {
 public:
  ThreadedBlock(std::int64_t index, int thread, std::barrier<>& barrier)
      : index_(index), thread_(thread), barrier_(barrier) {}
  std::int64_t index() const { return index_; }
  template <class Thread>
  void each_thread(const Thread& thread) const {
    thread(thread_);
    barrier_.arrive_and_wait();
  }

 private:
  std::int64_t index_;
  int thread_;
  std::barrier<>& barrier_;
};

/// One block after the other, its threads at once.
class ThreadedLauncher final : public batched::Launcher {
 public:
  void launch(batched::Kernel kernel, std::int64_t blocks, const batched::Batch& batch) override {
    batched::with_body(kernel, [&]<class Body>() {
      const auto shared = std::make_unique<typename Body::Shared>();
      std::barrier barrier(batched::kThreads);
      std::vector<std::thread> threads;
      threads.reserve(batched::kThreads);
      for (int t = 0; t < batched::kThreads; ++t) {
        threads.emplace_back([&, t] {
          for (std::int64_t b = 0; b < blocks; ++b) {
            Body::run(ThreadedBlock(b, t, barrier), batch, *shared);
            barrier.arrive_and_wait();
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
    });
  }
};

/// A matrix that needs one pass of CholeskyQR, one that needs two, one for Gram-Schmidt, and one
/// that is not finite.
std::vector<LowRankMatrix> every_way() {
  auto matrices = random_matrices({{33, 65, 4}, {65, 40, 5}, {300, 70, 3}, {20, 530, 9}}, 1);
  matrices[1].q_RN.copy_(with_condition(5, 40, 1e5));
  matrices[2].q_RN[2].copy_(matrices[2].q_RN[0]);
  matrices[3].grad_MN[3][7] = std::numeric_limits<float>::infinity();
  return matrices;
}

TEST(KernelBatchThreads, ThreadsAtOnceGiveWhatThreadsInTurnGive) {
  auto in_turn = every_way(), at_once = every_way();
  exchange_alone(*make_host_batch(), in_turn);
  batched::KernelBatch threaded(std::make_unique<ThreadedLauncher>());
  exchange_alone(threaded, at_once);
  for (std::size_t i = 0; i < in_turn.size(); ++i) {
    EXPECT_EQ(at_once[i].finite, i != 3);
    EXPECT_EQ(at_once[i].kept_squares, in_turn[i].kept_squares);
    EXPECT_TRUE(at::equal(at_once[i].kept_MN, in_turn[i].kept_MN)) << describe(in_turn[i]);
    EXPECT_TRUE(at::equal(at_once[i].grad_MN.nan_to_num(), in_turn[i].grad_MN.nan_to_num()))
        << describe(in_turn[i]);
  }
}

}  // namespace
}  // namespace spillway::compression
