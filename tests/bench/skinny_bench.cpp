// Phases of PowerSGD's arithmetic on the compressed matrices of GPT-2 small, one thread, processor
// time (other processes do not count), the best of 5 rounds after one of warm-up. One JSON line for
// each rank: milliseconds of a phase and, how many percent of the machine's peak it reaches, of
// memory (reads and writes) or of multiply-adds, whichever bounds it. Usage: skinny_bench
// [RANK...], default 1 4 32
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "compression/low_rank/orthogonalize.hpp"
#include "compression/low_rank/skinny_gemm.hpp"
#include "tests/bench/machine_peaks.hpp"
#include "tests/bench/thread_seconds.hpp"

namespace {

using namespace spillway;
using namespace spillway::compression;

struct Peaks {
  double bytes_per_second = 0, operations_per_second = 0;
};

/// Bytes a second: the better of reading one array and of adding one to another.
Peaks measure_peaks() {
  constexpr std::int64_t kCount = 1 << 26;
  std::vector<float> values(kCount, 1.0F), more(kCount, 1.0F);
  volatile float sink = 0;
  double reading = 1e9, adding = 1e9;
  Peaks peaks;
  for (int run = 0; run < 5; ++run) {
    double start = spillway::bench::thread_seconds();
    sink = sink + bench::read_once(values.data(), kCount);
    reading = std::min(reading, spillway::bench::thread_seconds() - start);
    start = spillway::bench::thread_seconds();
    bench::add_once(values.data(), more.data(), kCount);
    adding = std::min(adding, spillway::bench::thread_seconds() - start);
    start = spillway::bench::thread_seconds();
    const double done = bench::multiply_and_add(10'000'000);
    peaks.operations_per_second =
        std::max(peaks.operations_per_second, done / (spillway::bench::thread_seconds() - start));
  }
  peaks.bytes_per_second = 4.0 * kCount * std::max(1 / reading, 3 / adding);
  return peaks;
}

struct Matrix {
  at::Tensor grad_MN, error_MN, next_error_MN, p_RM, q_RN;
};

std::vector<Matrix> matrices(std::int64_t rank) {
  std::vector<Matrix> list;
  const auto add = [&](std::int64_t rows, std::int64_t columns) {
    list.push_back({at::randn({rows, columns}), at::randn({rows, columns}),
                    at::empty({rows, columns}), at::empty({rank, rows}),
                    at::randn({rank, columns})});
  };
  add(50304, 768);
  add(1024, 768);
  for (int layer = 0; layer < 12; ++layer) {
    add(2304, 768);
    add(768, 768);
    add(3072, 768);
    add(768, 3072);
  }
  return list;
}

/// Memory passes are reads and writes of a matrix of the gradient's size; products are of 2 M N R
/// operations each.
struct Phase {
  const char* name;
  int passes, products;
  double seconds = 1e9;
};

template <typename Call>
void time_phase(Phase& phase, std::vector<Matrix>& list, const Call& call) {
  const double start = spillway::bench::thread_seconds();
  for (Matrix& matrix : list) call(matrix);
  phase.seconds = std::min(phase.seconds, spillway::bench::thread_seconds() - start);
}

void measure(std::int64_t rank, const Peaks& peaks) {
  std::vector<Matrix> list = matrices(rank);
  Phase phases[] = {{"project", 3, 1},
                    {"project_transposed", 1, 1},
                    {"reconstruct", 3, 2},
                    {"orthogonalize", 0, 0}};
  for (int round = 0; round < 6; ++round) {
    time_phase(phases[3], list, [](Matrix& m) { orthogonalize(m.q_RN); });
    time_phase(phases[0], list, [](Matrix& m) { project(m.grad_MN, m.error_MN, m.q_RN, m.p_RM); });
    time_phase(phases[3], list, [](Matrix& m) { orthogonalize(m.p_RM); });
    time_phase(phases[1], list, [](Matrix& m) { project_transposed(m.grad_MN, m.p_RM, m.q_RN); });
    time_phase(phases[2], list,
               [](Matrix& m) { reconstruct(m.grad_MN, m.next_error_MN, m.p_RM, m.q_RN, m.q_RN); });
  }
  double elements = 0, total = 0;
  for (const Matrix& matrix : list) elements += static_cast<double>(matrix.grad_MN.numel());
  std::printf(
      "{\"bench\": \"skinny\", \"approximation_rank\": %lld, \"peak_gb_per_s\": %.1f, "
      "\"peak_gflop_per_s\": %.0f",
      static_cast<long long>(rank), 1e-9 * peaks.bytes_per_second,
      1e-9 * peaks.operations_per_second);
  for (const Phase& phase : phases) {
    const double memory = 4 * elements * phase.passes / peaks.bytes_per_second;
    const double arithmetic =
        2 * elements * static_cast<double>(rank) * phase.products / peaks.operations_per_second;
    total += phase.seconds;
    std::printf(", \"%s_ms\": %.2f", phase.name, 1e3 * phase.seconds);
    if (phase.passes > 0)
      std::printf(", \"%s_of_peak\": %.0f", phase.name,
                  100 * std::max(memory, arithmetic) / phase.seconds);
  }
  std::printf(", \"total_ms\": %.1f}\n", 1e3 * total);
}

}  // namespace

int main(int argc, char** argv) {
  at::set_num_threads(1);
  const Peaks peaks = measure_peaks();
  std::vector<std::int64_t> ranks;
  for (int i = 1; i < argc; ++i) ranks.push_back(std::atoll(argv[i]));
  if (ranks.empty()) ranks = {1, 4, 32};
  for (const std::int64_t rank : ranks) measure(rank, peaks);
}
