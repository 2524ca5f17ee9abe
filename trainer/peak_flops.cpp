#include "trainer/peak_flops.hpp"

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

struct GpuPeak {
  std::string_view name;
  double flops;
};

/// Dense bf16 with fp32 accumulation, from the vendors' data sheets.
constexpr std::array kGpuPeaks{
    GpuPeak{"H200", 989e12},  GpuPeak{"H100", 989e12}, GpuPeak{"H100-PCIe", 756e12},
    GpuPeak{"B200", 2250e12}, GpuPeak{"A100", 312e12}, GpuPeak{"L40S", 362e12},
    GpuPeak{"L4", 121e12},
};

void synchronize(at::Device device) {
  if (device.is_cuda()) at::accelerator::synchronizeDevice(device.index());
}

double measure_gemm(at::Device device, at::ScalarType dtype) {
  const std::int64_t n = device.is_cuda() ? 8192 : 768;
  const auto options = at::TensorOptions().device(device).dtype(dtype);
  const at::Tensor a = at::ones({n, n}, options), b = at::ones({n, n}, options);
  at::Tensor c = at::empty({n, n}, options);
  at::mm_out(c, a, b);
  double best_seconds = 1e30;
  for (int round = 0; round < 7; ++round) {
    synchronize(device);
    const auto start = std::chrono::steady_clock::now();
    at::mm_out(c, a, b);
    synchronize(device);
    best_seconds =
        std::min(best_seconds,
                 std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  const auto size = static_cast<double>(n);
  return 2 * size * size * size / best_seconds;
}

}  // namespace

double peak_flops(const std::string& setting, at::Device device, at::ScalarType dtype) {
  if (setting == "measure") return measure_gemm(device, dtype);
  double number = 0;
  const auto [end, error] =
      std::from_chars(setting.data(), setting.data() + setting.size(), number);
  if (error == std::errc() && end == setting.data() + setting.size() && number > 0) return number;
  std::string valid = "measure";
  for (const GpuPeak& gpu : kGpuPeaks) {
    if (gpu.name == setting) return gpu.flops;
    valid += " | " + std::string(gpu.name);
  }
  fail_choice("run.peak_flops", setting, valid + " | a positive number");
}

}  // namespace spillway::trainer
