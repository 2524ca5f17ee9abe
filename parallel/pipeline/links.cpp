#include "parallel/pipeline/links.hpp"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "parallel/comm/measured_time.hpp"
#include "parallel/pipeline/pace.hpp"

namespace spillway::pipeline {
namespace {

constexpr int kRounds = 9;
constexpr double kRest = 2e-3;  // seconds

using Clock = std::chrono::steady_clock;

float seconds_since(Clock::time_point begin) {
  return std::chrono::duration<float>(Clock::now() - begin).count();
}

at::Tensor bytes_on(at::Device device, std::int64_t bytes) {
  return at::zeros({bytes}, at::TensorOptions().dtype(at::kByte).device(device));
}
at::Tensor floats_on(at::Device device, std::int64_t count) {
  return at::zeros({count}, at::TensorOptions().dtype(at::kFloat).device(device));
}

/// Seconds one way between this rank and the next, which echoes.
double ping(const parallel::ProcessGrid& grid, std::int64_t bytes, at::Device device) {
  const at::Tensor out = bytes_on(device, bytes), back = bytes_on(device, bytes);
  std::vector<float> seconds(kRounds);
  for (float& round : seconds) {
    pace(kRest);
    const auto begin = Clock::now();
    const comm::Work sent = grid.to_next()->send(out, 1);
    comm::finish(grid.from_next()->recv(back, 0));
    round = seconds_since(begin);
    comm::finish(sent);
  }
  const at::Tensor there = floats_on(device, kRounds);
  comm::finish(grid.from_next()->recv(there, 0));
  const at::Tensor rests = there.cpu();
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    seconds[i] = (seconds[i] - rests.const_data_ptr<float>()[i]) / 2;
  }
  std::ranges::nth_element(seconds, seconds.begin() + kRounds / 2);
  return seconds[kRounds / 2];
}

/// The other end: answers after a rest, and tells how long each rest really was.
void echo(const parallel::ProcessGrid& grid, std::int64_t bytes, at::Device device) {
  const at::Tensor tensor = bytes_on(device, bytes), rests = floats_on(at::kCPU, kRounds);
  for (int round = 0; round < kRounds; ++round) {
    comm::finish(grid.from_previous()->recv(tensor, 0));
    const auto begin = Clock::now();
    pace(kRest);
    rests.data_ptr<float>()[round] = seconds_since(begin);
    comm::finish(grid.to_previous()->send(tensor, 1));
  }
  comm::finish(grid.to_previous()->send(rests.to(device), 1));
}

}  // namespace

Link measure_link(const parallel::ProcessGrid& grid, std::int64_t edge_bytes, at::Device device) {
  const int edges = grid.stages() - 1;
  if (edges == 0) return {};
  at::Tensor sums = floats_on(at::kCPU, 2);
  for (int edge = 0; edge < edges; ++edge) {
    int size = 0;
    for (const std::int64_t bytes : {std::int64_t{1}, edge_bytes}) {
      comm::finish(grid.pipeline().barrier());
      if (grid.stage() == edge) sums[size] = ping(grid, bytes, device);
      if (grid.stage() == edge + 1) echo(grid, bytes, device);
      ++size;
    }
  }
  sums = sums.to(device);
  comm::finish(grid.pipeline().all_reduce(sums));
  sums = sums.cpu();
  const double hop = sums[0].item<double>() / edges, whole = sums[1].item<double>() / edges;
  return {.hop_seconds = hop, .transfer_seconds = std::max(0.0, whole - hop)};
}

}  // namespace spillway::pipeline
