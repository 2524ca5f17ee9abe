// `spillway compress bench`: the methods side by side on the gradient shapes of a model, under
// mpirun or alone.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "compression/method_exchange.hpp"
#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "parallel/comm/make_communicator.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/synthetic_gradients.hpp"
#include "trainer/gradient_sync.hpp"

namespace spillway::trainer {
namespace {

using compression::ParameterShape;

constexpr const char* kMethods =
    "none | bf16 | fp16 | powersgd | acp | topk | randomk | qsgd | sign";
constexpr const char* kAllMethods = "none,bf16,fp16,powersgd,acp,topk,randomk,qsgd,sign";

/// What one method costs a step: medians over steps, of each step the slowest rank's time.
struct Result {
  std::string method, wire;
  std::int64_t approximation_rank = 0;  // 0: no approximation
  double compress_ms = 0, wire_ms = 0, decompress_ms = 0, relative_error = 0;
  std::int64_t bytes = 0, dense_bytes = 0;
  double wire_bytes = 0;

  double total_ms() const { return compress_ms + wire_ms + decompress_ms; }
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

class Bench {
 public:
  Bench(const config::Config& config, comm::Communicator& world, at::Device device)
      : config_(config),
        world_(world),
        device_(device),
        parameters_(exchanged_shapes(config.model)),
        gradients_(parameters_, static_cast<std::uint64_t>(config.run.seed), world.rank(), device) {
  }

  Result run(const std::string& method, std::int64_t warmup, std::int64_t steps) {
    config::CompressionConfig compression = config_.compression;
    compression.method = method;
    compression.start_step = 0;
    compression::MethodExchange exchange(compression, world_, parameters_,
                                         static_cast<std::uint64_t>(config_.run.seed));
    const auto buckets =
        compression::make_buckets(gradients_.flat(), gradients_.named(), compression.bucket_mib);
    std::vector<double> compress, wire, decompress, error;
    Result result{.method = method, .wire = wire_format(compression)};
    if (method == "powersgd" || method == "acp")
      result.approximation_rank = compression.approximation_rank;
    for (std::int64_t step = 0; step < warmup + steps; ++step) {
      const double distance = one_step(exchange, buckets, step);
      const compression::ExchangeStatistics statistics = exchange.take_statistics();
      if (step < warmup) continue;
      const auto [compress_ms, wire_ms, decompress_ms] = slowest(statistics);
      compress.push_back(compress_ms);
      wire.push_back(wire_ms);
      decompress.push_back(decompress_ms);
      error.push_back(distance);
      result.bytes = statistics.sent_bytes;
      result.dense_bytes = statistics.dense_bytes;
      result.wire_bytes = statistics.wire_bytes;
    }
    result.compress_ms = median(compress);
    result.wire_ms = median(wire);
    result.decompress_ms = median(decompress);
    result.relative_error = median(error);
    return result;
  }

 private:
  static std::string wire_format(const config::CompressionConfig& compression) {
    const std::string& method = compression.method;
    if (method == "none") return "fp32";
    if (method == "bf16" || method == "fp16") return method;
    if (method == "qsgd") return compression.quantization;
    return method == "sign" ? "2 bit" : compression.wire;
  }

  /// Returns the L2 distance of what was exchanged to the exact mean, relative to the mean.
  double one_step(compression::GradientExchange& exchange,
                  const std::vector<compression::Bucket>& buckets, std::int64_t step) {
    gradients_.write(step);
    at::Tensor mean = gradients_.flat().clone();
    world_.all_reduce(mean).wait();
    mean.div_(world_.size());
    world_.barrier().wait();
    exchange.begin_step(step);
    std::vector<comm::Work> works;
    works.reserve(buckets.size());
    for (const compression::Bucket& bucket : buckets) works.push_back(exchange.exchange(bucket));
    for (const comm::Work& work : works) work.wait();
    exchange.end_step(true);
    const double norm = mean.norm().item<double>();
    return mean.sub_(gradients_.flat()).norm().item<double>() / std::max(norm, 1e-30);
  }

  /// Milliseconds of the phases, each of the rank that took longest.
  std::array<double, 3> slowest(const compression::ExchangeStatistics& statistics) {
    at::Tensor seconds = at::empty({3}, at::kFloat);
    float* values = seconds.mutable_data_ptr<float>();
    values[0] = static_cast<float>(statistics.compress_seconds);
    values[1] = static_cast<float>(statistics.wire_seconds);
    values[2] = static_cast<float>(statistics.decompress_seconds);
    seconds = seconds.to(device_);
    world_.all_reduce(seconds, comm::ReduceOp::max).wait();
    seconds = seconds.cpu();
    const float* longest = seconds.const_data_ptr<float>();
    return {1e3 * longest[0], 1e3 * longest[1], 1e3 * longest[2]};
  }

  config::Config config_;
  comm::Communicator& world_;
  at::Device device_;
  std::vector<ParameterShape> parameters_;
  SyntheticGradients gradients_;
};

void print_json(const std::vector<Result>& results) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Result& result : results) {
    rows.push_back({{"method", result.method},
                    {"approximation_rank", result.approximation_rank},
                    {"wire", result.wire},
                    {"compress_ms", result.compress_ms},
                    {"wire_ms", result.wire_ms},
                    {"decompress_ms", result.decompress_ms},
                    {"bytes", result.bytes},
                    {"dense_bytes", result.dense_bytes},
                    {"wire_bytes", result.wire_bytes},
                    {"relative_error", result.relative_error}});
  }
  std::cout << rows.dump(2) << "\n";
}

/// Bandwidth of a link below which sending fewer bytes than bf16 wins over the time it costs, both
/// without overlap (ring all-reduce).
void print_break_even(const Result& dense, const Result& compressed) {
  const double saved_bits = 8 * (dense.wire_bytes - compressed.wire_bytes);
  const double extra_seconds = 1e-3 * (compressed.compress_ms + compressed.decompress_ms -
                                       dense.compress_ms - dense.decompress_ms);
  std::printf("%s ", compressed.method.c_str());
  if (saved_bits <= 0) {
    std::printf("sends no fewer bytes than %s.\n", dense.method.c_str());
  } else if (extra_seconds <= 0) {
    std::printf("pays against %s at any bandwidth.\n", dense.method.c_str());
  } else {
    std::printf("pays against %s below %.3g Gbit/s a rank, without overlap.\n",
                dense.method.c_str(), 1e-9 * saved_bits / extra_seconds);
  }
}

/// Of every method against bf16, the least that one would do.
void print_break_evens(const std::vector<Result>& results, int replicas) {
  const auto dense = std::find_if(results.begin(), results.end(),
                                  [](const Result& result) { return result.method == "bf16"; });
  if (replicas == 1) {
    std::printf("One replica: nothing travels, so no method can pay.\n");
  } else if (dense != results.end()) {
    for (const Result& result : results) {
      if (result.method != "none" && result.method != "bf16") print_break_even(*dense, result);
    }
  }
}

void print_table(const std::vector<Result>& results, int replicas) {
  std::printf("%-9s %3s %-5s %12s %10s %14s %10s %12s %7s %10s\n", "method", "r", "wire",
              "compress ms", "wire ms", "decompress ms", "total ms", "MiB", "ratio", "rel. error");
  for (const Result& result : results) {
    std::printf(
        "%-9s %3s %-5s %12.2f %10.2f %14.2f %10.2f %12.3f %7.1f %10.2e\n", result.method.c_str(),
        result.approximation_rank > 0 ? std::to_string(result.approximation_rank).c_str() : "-",
        result.wire.c_str(), result.compress_ms, result.wire_ms, result.decompress_ms,
        result.total_ms(), static_cast<double>(result.bytes) / 1048576,
        static_cast<double>(result.dense_bytes) /
            static_cast<double>(std::max<std::int64_t>(result.bytes, 1)),
        result.relative_error);
  }
  print_break_evens(results, replicas);
}

}  // namespace

int run_compress_bench(const std::vector<std::string>& words) {
  const config::Usage usage{
      .command = "compress bench",
      .summary =
          "Exchanges gradients of the configured model's shapes by "
          "each method: time in each phase, bytes, and "
          "the relative error against the exact mean; medians over steps. "
          "Every rank is a replica of the whole "
          "model. Gradients are synthetic: a part of rank 16 that replicas "
          "share, plus noise of the same norm.",
      .positionals = {"[CONFIG]"},
      .options = {{"methods", "LIST", "what to run, of " + std::string(kMethods), kAllMethods},
                  {"steps", "N", "measured steps", "10"},
                  {"warmup", "N", "steps before", "2"},
                  {"format", "table|json", "how to print", "table"}},
      .settings = true,
      .example =
          "mpirun -np 2 spillway compress bench --model.layers=12 "
          "--model.hidden=768 --model.heads=12"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    if (comm::launch_info().rank == 0) std::cout << config::help_text(usage);
    return 0;
  }
  const std::int64_t steps = arguments.integer("steps"), warmup = arguments.integer("warmup");
  if (steps < 1) fail_input("--steps = " + std::to_string(steps) + "; valid: >= 1");
  if (warmup < 0) fail_input("--warmup = " + std::to_string(warmup) + "; valid: >= 0");
  const std::string& format = arguments.choice("format", "table | json");
  const std::vector<std::string> methods = arguments.choices("methods", kMethods);
  const config::Config config = config::load(arguments);

  const comm::MpiEnvironment environment;
  at::set_num_threads(static_cast<int>(config.run.threads));
  const auto world = comm::make_world(config.parallel.backend);
  const at::Device device =
      world->backend() == "nccl"
          ? at::Device(at::kCUDA, static_cast<at::DeviceIndex>(comm::launch_info().local_rank))
          : at::Device(at::kCPU);
  Bench bench(config, *world, device);
  std::vector<Result> results;
  results.reserve(methods.size());
  for (const std::string& method : methods) results.push_back(bench.run(method, warmup, steps));
  if (world->rank() != 0) return 0;
  format == "json" ? print_json(results) : print_table(results, world->size());
  return 0;
}

}  // namespace spillway::trainer
