#pragma once

#include <cstring>
#include <memory>

#include "compression/low_rank/cuda/bodies.hpp"
#include "compression/low_rank/cuda/kernel_batch.hpp"

namespace spillway::compression {

/// In which order the host goes through blocks and threads, which on a GPU run at once.
enum class Order : std::uint8_t { forward, backward };

/// A block of a kernel on the host, see bodies.hpp.
class HostBlock {
 public:
  HostBlock(std::int64_t index, Order order) : index_(index), order_(order) {}
  std::int64_t index() const { return index_; }
  template <class Thread>
  void each_thread(const Thread& thread) const {
    for (int t = 0; t < batched::kThreads; ++t)
      thread(order_ == Order::forward ? t : batched::kThreads - 1 - t);
  }

 private:
  std::int64_t index_;
  Order order_;
};

/// Runs the bodies of the kernels as ordinary C++. Memory of a block begins as nan.
class HostLauncher final : public batched::Launcher {
 public:
  explicit HostLauncher(Order order = Order::forward) : order_(order) {}

  void launch(batched::Kernel kernel, std::int64_t blocks, const batched::Batch& batch) override {
    batched::with_body(kernel, [&]<class Body>() {
      const auto shared = std::make_unique<typename Body::Shared>();
      for (std::int64_t b = 0; b < blocks; ++b) {
        std::memset(static_cast<void*>(shared.get()), 0xFF, sizeof(typename Body::Shared));
        Body::run(HostBlock(order_ == Order::forward ? b : blocks - 1 - b, order_), batch, *shared);
      }
    });
  }

 private:
  Order order_;
};

inline std::unique_ptr<LowRankBatch> make_host_batch() {
  return std::make_unique<batched::KernelBatch>(std::make_unique<HostLauncher>());
}

}  // namespace spillway::compression
