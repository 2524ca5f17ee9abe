#include "compression/make_compressor.hpp"

#include "compression/acp.hpp"
#include "compression/bucket_power_sgd.hpp"
#include "compression/dense.hpp"
#include "compression/power_sgd.hpp"
#include "compression/quantize/qsgd.hpp"
#include "compression/quantize/sign_sgd.hpp"
#include "compression/sparse/random_k.hpp"
#include "compression/sparse/top_k.hpp"
#include "configs/error.hpp"

namespace spillway::compression {

bool may_share(const config::CompressionMethod& a, const config::CompressionMethod& b) {
  if (a.method != b.method) return false;
  if (a.method == dense_method(a)) return true;
  return a.start_step == b.start_step && a.wire == b.wire &&
         a.power_iterations == b.power_iterations && a.refresh_every == b.refresh_every &&
         a.matrix == b.matrix && a.quantization == b.quantization;
}

std::string dense_method(const config::CompressionMethod& method) {
  const std::string& name = method.method;
  if (name == "none" || name == "bf16" || name == "fp16") return name;
  return method.wire == "fp32" ? "none" : "bf16";
}

std::unique_ptr<Compressor> make_compressor(const config::CompressionConfig& config,
                                            const std::vector<Member>& members,
                                            comm::Communicator& replicas, Meter& meter,
                                            std::uint64_t seed) {
  const config::CompressionMethod& method = members.front().method;
  if (method.method == "none") return std::make_unique<Dense>(replicas, "fp32", meter);
  if (method.method == "bf16" || method.method == "fp16")
    return std::make_unique<Dense>(replicas, method.method, meter);
  if (method.method == "powersgd" && method.matrix == "bucket")
    return std::make_unique<BucketPowerSgd>(config, method, members, replicas, meter, seed);
  if (method.method == "powersgd")
    return std::make_unique<PowerSgd>(config, method, members, replicas, meter, seed);
  if (method.method == "acp")
    return std::make_unique<Acp>(config, method, members, replicas, meter, seed);
  if (method.method == "topk") return std::make_unique<TopK>(method, members, replicas, meter);
  if (method.method == "randomk")
    return std::make_unique<RandomK>(method, members, replicas, meter, seed);
  if (method.method == "qsgd") {
    const int bits = method.quantization == "int8" ? 8 : 4;
    return std::make_unique<Qsgd>(bits, members, replicas, meter, seed);
  }
  if (method.method == "sign") return std::make_unique<SignSgd>(replicas, meter);
  fail_choice("compression.method", method.method,
              "none | bf16 | fp16 | powersgd | acp | topk | randomk | qsgd | sign");
}

}  // namespace spillway::compression
