// Seconds of top-k and random-k selection against one reading of the array, one thread, processor
// time (other processes do not count), the best of 9 runs after one of warm-up. Normally
// distributed values. One JSON line for each size and density. Usage: select_bench [MILLIONS...],
// default 1 10 40
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "compression/sparse/random_indices.hpp"
#include "compression/sparse/select.hpp"
#include "tests/bench/best_seconds.hpp"
#include "tests/bench/machine_peaks.hpp"

namespace {

using namespace spillway::compression;

void measure(const std::vector<float>& values, double density) {
  const auto n = static_cast<std::int64_t>(values.size());
  const auto k = static_cast<std::int64_t>(static_cast<double>(n) * density);
  std::vector<std::int32_t> indices(static_cast<std::size_t>(k));
  std::vector<float> selected(static_cast<std::size_t>(k));
  TopKSelector selector;
  RandomIndices random;
  volatile float sink = 0;
  const double reading =
      spillway::bench::best_seconds([&] { sink = spillway::bench::read_once(values.data(), n); });
  const double selecting = spillway::bench::best_seconds(
      [&] { selector.select(values.data(), n, k, indices.data(), selected.data()); });
  const double drawing =
      spillway::bench::best_seconds([&] { random.draw(1, n, k, indices.data()); });
  std::printf(
      "{\"bench\": \"select\", \"n\": %lld, \"k\": %lld, \"read_ms\": %.3f, \"read_gb_per_s\": "
      "%.1f, \"top_k_ms\": %.3f, \"top_k_over_read\": %.2f, \"random_k_ms\": %.3f}\n",
      static_cast<long long>(n), static_cast<long long>(k), 1e3 * reading,
      4e-9 * static_cast<double>(n) / reading, 1e3 * selecting, selecting / reading, 1e3 * drawing);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<int> millions;
  for (int i = 1; i < argc; ++i) millions.push_back(std::atoi(argv[i]));
  if (millions.empty()) millions = {1, 10, 40};
  std::mt19937 generator(1);
  std::normal_distribution<float> distribution;
  for (const int size : millions) {
    std::vector<float> values(static_cast<std::size_t>(size) * 1'000'000);
    for (float& value : values) value = distribution(generator);
    for (const double density : {0.001, 0.01, 0.1}) measure(values, density);
  }
}
