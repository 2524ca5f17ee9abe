// After the first steps an exchange allocates nothing of a gradient's size.
#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/compression/replicas.hpp"

namespace spillway::compression {
namespace {

/// Passes on to the allocator of tensors and remembers the largest piece that a thread other than
/// the one that made it has asked for.
class WatchingAllocator final : public c10::Allocator {
 public:
  explicit WatchingAllocator(c10::Allocator& inner) : inner_(inner) {}
  c10::DataPtr allocate(std::size_t bytes) override {
    if (std::this_thread::get_id() != maker_) {
      std::size_t largest = largest_;
      while (bytes > largest && !largest_.compare_exchange_weak(largest, bytes)) {
      }
    }
    return inner_.allocate(bytes);
  }
  c10::DeleterFnPtr raw_deleter() const override { return inner_.raw_deleter(); }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    inner_.copy_data(to, from, bytes);
  }
  /// Since the last call.
  std::size_t take_largest() { return largest_.exchange(0); }

 private:
  c10::Allocator& inner_;
  std::thread::id maker_ = std::this_thread::get_id();
  std::atomic<std::size_t> largest_ = 0;
};

TEST(Allocation, StopsAfterTheFirstSteps) {
  static WatchingAllocator allocator(*c10::GetCPUAllocator());
  c10::SetCPUAllocator(&allocator, 255);
  const std::vector<ParameterShape> parameters{{"w", {500, 700}}, {"b", {700}}};
  constexpr std::size_t kBytes = 4 * 500 * 700;
  for (const std::string method :
       {"none", "bf16", "fp16", "powersgd", "acp", "topk", "randomk", "qsgd", "sign", "bucket"}) {
    for (const std::string wire : {"fp32", "bf16"}) {
      config::CompressionConfig config;
      config.method = method == "bucket" ? "powersgd" : method;
      if (method == "bucket") config.matrix = "bucket";
      config.wire = wire;
      config.start_step = 0;
      Replicas replicas(2, config, parameters);
      const auto step = [&](int number) {
        std::vector<Gradients> gradients;
        for (int w = 0; w < 2; ++w) gradients.push_back(random_gradients(parameters, number, w));
        replicas.step(number, gradients);
      };
      for (int number = 0; number < 4; ++number) step(number);
      const std::size_t before = allocator.take_largest();
      for (int number = 4; number < 8; ++number) step(number);
      EXPECT_LT(allocator.take_largest(), kBytes / 16) << method << ", " << wire;
      if (method != "none") {
        EXPECT_GT(before, 0U) << method << ", " << wire;
      }
    }
  }
}

}  // namespace
}  // namespace spillway::compression
