// Seconds of quantization and sign codes against one reading of the array, one thread, processor
// time (other processes do not count), the best of 9 runs after one of warm-up. One JSON line for
// each code. Usage: quantize_bench [MILLIONS], default 40
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "compression/quantize/quantize.hpp"
#include "compression/quantize/sign.hpp"
#include "tests/bench/best_seconds.hpp"
#include "tests/bench/machine_peaks.hpp"

namespace {

using namespace spillway::compression;

void print(const char* code, std::int64_t bytes, double pack, double unpack, double add,
           double read) {
  std::printf(
      "{\"bench\": \"quantize\", \"code\": \"%s\", \"payload_bytes\": %lld, \"pack_ms\": %.3f, "
      "\"unpack_ms\": %.3f, \"unpack_add_ms\": %.3f, \"read_ms\": %.3f, \"pack_over_read\": "
      "%.2f}\n",
      code, static_cast<long long>(bytes), 1e3 * pack, 1e3 * unpack, 1e3 * add, 1e3 * read,
      pack / read);
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t n = 1'000'000LL * (argc > 1 ? std::atoi(argv[1]) : 40);
  std::mt19937 generator(1);
  std::normal_distribution<float> distribution;
  std::vector<float> values(static_cast<std::size_t>(n)), out(values.size());
  for (float& value : values) value = distribution(generator);
  volatile float sink = 0;
  const double read =
      spillway::bench::best_seconds([&] { sink = spillway::bench::read_once(values.data(), n); });
  for (const int bits : {8, 4}) {
    std::vector<std::byte> payload(static_cast<std::size_t>(quantized_bytes(n, bits)));
    const double pack = spillway::bench::best_seconds(
        [&] { quantize(values.data(), n, bits, 1, 0, payload.data()); });
    const double unpack =
        spillway::bench::best_seconds([&] { dequantize(payload.data(), n, bits, out.data()); });
    const double add =
        spillway::bench::best_seconds([&] { dequantize_add(payload.data(), n, bits, out.data()); });
    print(bits == 8 ? "int8" : "int4", quantized_bytes(n, bits), pack, unpack, add, read);
  }
  std::vector<std::byte> payload(static_cast<std::size_t>(sign_bytes(n)));
  const double pack =
      spillway::bench::best_seconds([&] { pack_signs(values.data(), n, payload.data()); });
  const double unpack =
      spillway::bench::best_seconds([&] { unpack_signs(payload.data(), n, out.data()); });
  const double add =
      spillway::bench::best_seconds([&] { unpack_signs_add(payload.data(), n, out.data()); });
  print("sign", sign_bytes(n), pack, unpack, add, read);
}
