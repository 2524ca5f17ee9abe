#include "compression/payload.hpp"

#include <gtest/gtest.h>

#include "compression/check_methods.hpp"
#include "configs/error.hpp"

namespace spillway::compression {
namespace {

/// GPT-2 small: 124,439,808 parameters.
std::vector<ParameterShape> gpt2_small() {
  constexpr std::int64_t kHidden = 768;
  std::vector<ParameterShape> shapes{{"wte", {50257, kHidden}}, {"wpe", {1024, kHidden}}};
  for (int layer = 0; layer < 12; ++layer) {
    const std::string name = "h." + std::to_string(layer) + ".";
    for (const char* norm : {"ln_1", "ln_2"}) {
      shapes.push_back({name + norm + ".weight", {kHidden}});
      shapes.push_back({name + norm + ".bias", {kHidden}});
    }
    const auto linear = [&](const char* part, std::int64_t in, std::int64_t out) {
      shapes.push_back({name + part + ".weight", {in, out}});
      shapes.push_back({name + part + ".bias", {out}});
    };
    linear("attn.c_attn", kHidden, 3 * kHidden);
    linear("attn.c_proj", kHidden, kHidden);
    linear("mlp.c_fc", kHidden, 4 * kHidden);
    linear("mlp.c_proj", 4 * kHidden, kHidden);
  }
  shapes.push_back({"ln_f.weight", {kHidden}});
  shapes.push_back({"ln_f.bias", {kHidden}});
  return shapes;
}

std::int64_t sent(const config::CompressionConfig& config, int replicas = 2,
                  std::int64_t step = 100) {
  std::int64_t bytes = 0;
  for (const auto& bucket : make_buckets(gpt2_small(), config.bucket_mib))
    bytes += payload_of(config, bucket, replicas, step).sent();
  return bytes;
}

config::CompressionConfig method(const std::string& name) {
  config::CompressionConfig config;
  config.method = name;
  return config;
}

// What PyTorch's hook counts on the same shapes (compression_stats() of torch 2.11).
TEST(Payload, OfGpt2SmallIsThatOfPyTorchsHook) {
  EXPECT_EQ(sent(method("none")), 4 * 124439808LL);
  EXPECT_EQ(sent(method("bf16")), 2 * 124439808LL);
  auto powersgd = method("powersgd");
  powersgd.approximation_rank = 1;
  EXPECT_EQ(sent(powersgd), 4 * 321617);
  powersgd.approximation_rank = 4;
  EXPECT_EQ(sent(powersgd), 4 * 922436);
  powersgd.wire = "bf16";
  EXPECT_EQ(sent(powersgd), 2 * 922436);
  EXPECT_EQ(sent(powersgd, 2, 3), 2 * 124439808LL);  // before start_step
}

TEST(Payload, AcpSendsInTwoStepsWhatPowerSgdSendsInOne) {
  auto config = method("powersgd");
  const std::int64_t whole = sent(config);
  config.min_compression_rate = 0;
  const std::int64_t both = sent(config);
  config.method = "acp";
  EXPECT_EQ(sent(config, 2, 100) + sent(config, 2, 101), both);
  EXPECT_NE(whole, both);
}

TEST(Payload, QuantizedTrafficDoesNotGrowWithTheReplicas) {
  const auto wire = [](const std::string& name, int replicas) {
    double bytes = 0;
    for (const auto& bucket : make_buckets(gpt2_small(), 25))
      bytes += payload_of(method(name), bucket, replicas, 100).wire(replicas);
    return bytes;
  };
  // Shards of a bucket are rounded up to whole groups.
  for (const std::string name : {"qsgd", "sign", "powersgd"})
    EXPECT_NEAR(wire(name, 64) / wire(name, 8), (63.0 / 64) / (7.0 / 8), 0.06) << name;
  EXPECT_NEAR(wire("topk", 64) / wire("topk", 8), 9, 0.01);
  // 8 bits and a float for 256 elements in place of 16 bits.
  EXPECT_NEAR(wire("qsgd", 8) / wire("bf16", 8), (8 + 32.0 / 256) / 16, 1e-3);
  EXPECT_NEAR(wire("sign", 8) / wire("bf16", 8), 2.0 / 16, 2e-3);
}

TEST(CheckMethods, NamesWhatCannotBe) {
  const auto complaint = [](const config::CompressionConfig& config) -> std::string {
    try {
      check_methods(config, gpt2_small());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      return error.what();
    }
    return "";
  };
  auto config = method("acp");
  EXPECT_EQ(complaint(config), "");
  config.approximation_rank = 769;
  EXPECT_EQ(complaint(config),
            "compression.approximation_rank = 769 is larger than any matrix it is for; valid: 1 to "
            "768");
  config.method = "topk";
  EXPECT_EQ(complaint(config), "");
  config.method = "powersgd";
  config.approximation_rank = 4;
  config.adaptive_rank = "bytes";
  config.warm_start = false;
  EXPECT_NE(complaint(config).find("warm_start = false; valid: true"), std::string::npos);
}

}  // namespace
}  // namespace spillway::compression
