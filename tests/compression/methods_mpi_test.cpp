// The same exchange over MPI and over threads of one process: every rank runs both and compares.
#include <gtest/gtest.h>

#include "compression/method_exchange.hpp"
#include "parallel/comm/make_communicator.hpp"
#include "tests/compression/replicas.hpp"

namespace spillway::compression {
namespace {

config::CompressionConfig method(const std::string& name, const std::string& wire) {
  config::CompressionConfig config;
  config.method = name;
  config.wire = wire;
  config.approximation_rank = 2;
  config.start_step = 1;
  config.min_compression_rate = 1.2;
  config.bucket_mib = 0.008;
  return config;
}

/// One replica over MPI.
class MpiReplica {
 public:
  MpiReplica(const config::CompressionConfig& config, comm::Communicator& world)
      : config_(config),
        exchange_(std::make_unique<MethodExchange>(config, world, mixed_shapes(), 3)) {}

  Gradients step(int number, const Gradients& given, bool keep) {
    std::vector<at::Tensor> parts;
    for (const at::Tensor& gradient : given) parts.push_back(gradient.reshape(-1));
    const at::Tensor flat = at::cat(parts);
    std::vector<NamedGradient> named;
    Gradients held;
    std::int64_t offset = 0;
    for (const auto& [name, shape] : mixed_shapes()) {
      const std::int64_t numel = c10::multiply_integers(shape);
      held.push_back(flat.narrow(0, offset, numel).view(shape));
      named.push_back({name, held.back()});
      offset += numel;
    }
    exchange_->begin_step(number);
    std::vector<comm::Work> works;
    for (const Bucket& bucket : make_buckets(flat, named, config_.bucket_mib))
      works.push_back(exchange_->exchange(bucket));
    for (const comm::Work& work : works) work.wait();
    exchange_->end_step(keep);
    return held;
  }

 private:
  config::CompressionConfig config_;
  std::unique_ptr<GradientExchange> exchange_;
};

TEST(ExchangeOverMpi, AgreesWithThreads) {
  const auto world = comm::make_world("mpi");
  for (const auto& [name, wire] :
       std::vector<std::pair<std::string, std::string>>{{"none", "fp32"},
                                                        {"bf16", "fp32"},
                                                        {"fp16", "fp32"},
                                                        {"powersgd", "fp32"},
                                                        {"powersgd", "bf16"},
                                                        {"acp", "fp32"},
                                                        {"topk", "fp32"},
                                                        {"topk", "bf16"},
                                                        {"randomk", "fp32"},
                                                        {"qsgd", "fp32"},
                                                        {"sign", "fp32"}}) {
    MpiReplica mine(method(name, wire), *world);
    Replicas reference(world->size(), method(name, wire), mixed_shapes());
    const bool half = wire == "bf16" || name == "bf16" || name == "fp16";
    const double tolerance = half ? 1e-2 : 1e-5;
    for (int step = 0; step < 5; ++step) {
      std::vector<Gradients> all;
      for (int w = 0; w < world->size(); ++w)
        all.push_back(random_gradients(mixed_shapes(), step, w));
      if (step == 3) all[static_cast<std::size_t>(world->size() - 1)][0][1][1] = NAN;
      const bool keep = step != 3;
      const Gradients held = mine.step(step, all[static_cast<std::size_t>(world->rank())], keep);
      const auto expected = reference.step(step, all, keep);
      for (std::size_t i = 0; i < held.size(); ++i) {
        const bool finite = at::isfinite(held[i]).all().item<bool>();
        EXPECT_EQ(finite, at::isfinite(expected[0][i]).all().item<bool>());
        if (step == 3 && i == 0) {
          EXPECT_FALSE(finite) << name;
        } else if (finite) {
          EXPECT_LT(relative(held[i], expected[0][i]), tolerance)
              << name << ", " << wire << ", step " << step << ", parameter " << i;
        }
        at::Tensor first = held[i].clone();
        world->broadcast(first, 0).wait();
        EXPECT_TRUE(
            at::equal(first.nan_to_num(), held[i].nan_to_num()));  // the same bits on every rank
      }
    }
  }
}

}  // namespace
}  // namespace spillway::compression
