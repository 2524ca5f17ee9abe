#include "parallel/pipeline/links.hpp"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "parallel/pipeline/pace.hpp"

namespace spillway::pipeline {
namespace {

constexpr int kRounds = 9;
constexpr double kRest = 2e-3;  // seconds

using Clock = std::chrono::steady_clock;

float seconds_since(Clock::time_point begin) {
  return std::chrono::duration<float>(Clock::now() - begin).count();
}

at::Tensor rounds() { return at::zeros({kRounds}, at::kFloat); }

/// Seconds one way between this rank and the next, which echoes.
double ping(const parallel::ProcessGrid& grid, std::int64_t bytes) {
  const at::Tensor out = at::zeros({bytes}, at::kByte), back = at::zeros({bytes}, at::kByte);
  std::vector<float> seconds(kRounds);
  for (float& round : seconds) {
    pace(kRest);
    const auto begin = Clock::now();
    const comm::Work sent = grid.to_next()->send(out, 1);
    grid.from_next()->recv(back, 0).wait();
    round = seconds_since(begin);
    sent.wait();
  }
  const at::Tensor rests = rounds();
  grid.from_next()->recv(rests, 0).wait();
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    seconds[i] = (seconds[i] - rests.const_data_ptr<float>()[i]) / 2;
  }
  std::ranges::nth_element(seconds, seconds.begin() + kRounds / 2);
  return seconds[kRounds / 2];
}

/// The other end: answers after a rest, and tells how long each rest really was.
void echo(const parallel::ProcessGrid& grid, std::int64_t bytes) {
  const at::Tensor tensor = at::zeros({bytes}, at::kByte), rests = rounds();
  for (int round = 0; round < kRounds; ++round) {
    grid.from_previous()->recv(tensor, 0).wait();
    const auto begin = Clock::now();
    pace(kRest);
    rests.data_ptr<float>()[round] = seconds_since(begin);
    grid.to_previous()->send(tensor, 1).wait();
  }
  grid.to_previous()->send(rests, 1).wait();
}

}  // namespace

Link measure_link(const parallel::ProcessGrid& grid, std::int64_t edge_bytes) {
  const int edges = grid.stages() - 1;
  if (edges == 0) return {};
  const at::Tensor sums = at::zeros({2}, at::kFloat);
  for (int edge = 0; edge < edges; ++edge) {
    int size = 0;
    for (const std::int64_t bytes : {std::int64_t{1}, edge_bytes}) {
      grid.pipeline().barrier().wait();
      if (grid.stage() == edge) sums[size] = ping(grid, bytes);
      if (grid.stage() == edge + 1) echo(grid, bytes);
      ++size;
    }
  }
  grid.pipeline().all_reduce(sums).wait();
  const double hop = sums[0].item<double>() / edges, whole = sums[1].item<double>() / edges;
  return {.hop_seconds = hop, .transfer_seconds = std::max(0.0, whole - hop)};
}

}  // namespace spillway::pipeline
