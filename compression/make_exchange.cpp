#include "compression/make_exchange.hpp"

#include "compression/all_reduce.hpp"
#include "compression/power_sgd.hpp"
#include "configs/error.hpp"

namespace spillway::compression {

std::unique_ptr<GradientExchange> make_gradient_exchange(
    const config::CompressionConfig& config, comm::Communicator& replicas,
    const std::vector<ParameterShape>& parameters, std::uint64_t seed) {
  if (config.method == "none") return std::make_unique<AllReduceExchange>(replicas, "fp32");
  if (config.method == "bf16") return std::make_unique<AllReduceExchange>(replicas, "bf16");
  if (config.method == "powersgd")
    return std::make_unique<PowerSgdExchange>(config, replicas, parameters, seed);
  fail_choice("compression.method", config.method, "none | bf16 | powersgd");
}

}  // namespace spillway::compression
