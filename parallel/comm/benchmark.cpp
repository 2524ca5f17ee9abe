#include "parallel/comm/benchmark.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>

#include "configs/error.hpp"
#include "parallel/comm/measured_time.hpp"
#include "parallel/comm/raw_mpi.hpp"

namespace spillway::comm {
namespace {

constexpr std::array kAll{Measured::all_reduce,     Measured::broadcast,  Measured::all_gather,
                          Measured::reduce_scatter, Measured::all_to_all, Measured::send_recv,
                          Measured::barrier};

/// `whole` is what "size" counts. `part`: this rank's share (all_gather, reduce_scatter) or what is
/// received (all_to_all, send_recv).
struct Tensors {
  at::Tensor whole;
  at::Tensor part;
};

bool is_scattered(Measured measured) {
  return measured == Measured::all_gather || measured == Measured::reduce_scatter;
}

Tensors make_tensors(const Communicator& world, const BenchmarkCase& what) {
  const auto options = at::TensorOptions().dtype(what.type).device(device_of(world));
  std::int64_t count = what.bytes / static_cast<std::int64_t>(c10::elementSize(what.type));
  const std::int64_t share = count / world.size();
  if (what.measured == Measured::all_to_all) count = share * world.size();
  if (!is_scattered(what.measured))
    return {at::zeros({count}, options), at::zeros({count}, options)};
  return {at::zeros({share * world.size()}, options), at::zeros({share}, options)};
}

void run(Communicator& world, Measured measured, const Tensors& tensors) {
  switch (measured) {
    case Measured::all_reduce:
      return finish(world.all_reduce(tensors.whole));
    case Measured::broadcast:
      return finish(world.broadcast(tensors.whole, 0));
    case Measured::all_gather:
      return finish(world.all_gather(tensors.whole, tensors.part));
    case Measured::reduce_scatter:
      return finish(world.reduce_scatter(tensors.part, tensors.whole));
    case Measured::all_to_all:
      return finish(world.all_to_all(tensors.part, tensors.whole));
    case Measured::barrier:
      return finish(world.barrier());
    case Measured::send_recv:
      break;
  }
  const int peer = world.rank() ^ 1;
  if (peer >= world.size()) return;
  if (world.rank() % 2 == 0) finish(world.send(tensors.whole, peer));
  finish(world.recv(tensors.part, peer));
  if (world.rank() % 2 == 1) finish(world.send(tensors.whole, peer));
}

std::int64_t differing(const at::Tensor& values, const at::Tensor& expected) {
  return values.ne(expected.to(values.options())).sum().item<std::int64_t>();
}

/// Runs the operation once on known values and counts what came out otherwise on this rank.
std::int64_t count_wrong(Communicator& world, Measured measured, const Tensors& tensors) {
  const at::Tensor ranks = at::arange(world.size(), at::kLong).remainder(100);
  const at::Tensor size = at::full({1}, world.size(), at::kFloat);
  tensors.whole.fill_(measured == Measured::broadcast    ? (world.rank() == 0 ? 7 : 0)
                      : measured == Measured::all_to_all ? world.rank() % 100
                                                         : 1);
  tensors.part.fill_(measured == Measured::all_gather ? world.rank() % 100 : 0);
  run(world, measured, tensors);
  switch (measured) {
    case Measured::all_reduce:
      return differing(tensors.whole, size);
    case Measured::broadcast:
      return differing(tensors.whole, at::full({1}, 7, at::kFloat));
    case Measured::all_gather:
      return differing(tensors.whole.view({world.size(), -1}), ranks.unsqueeze(1));
    case Measured::reduce_scatter:
      return differing(tensors.part, size);
    case Measured::all_to_all:
      return differing(tensors.part.view({world.size(), -1}), ranks.unsqueeze(1));
    case Measured::send_recv:
      return (world.rank() ^ 1) < world.size()
                 ? differing(tensors.part, at::full({1}, 1, at::kFloat))
                 : 0;
    case Measured::barrier:
      return 0;
  }
  return 0;
}

}  // namespace

const char* to_string(Measured measured) {
  switch (measured) {
    case Measured::all_reduce:
      return "all_reduce";
    case Measured::broadcast:
      return "broadcast";
    case Measured::all_gather:
      return "all_gather";
    case Measured::reduce_scatter:
      return "reduce_scatter";
    case Measured::all_to_all:
      return "all_to_all";
    case Measured::send_recv:
      return "send_recv";
    case Measured::barrier:
      return "barrier";
  }
  return "";
}

std::string measured_names() {
  std::string names;
  for (const Measured one : kAll)
    names += (names.empty() ? "" : " | ") + std::string(to_string(one));
  return names;
}

Measured measured_by_name(const std::string& name) {
  for (const Measured one : kAll) {
    if (name == to_string(one)) return one;
  }
  fail_choice("--operations", name, measured_names());
}

double algorithm_bandwidth(const Measurement& measurement) {
  return measurement.seconds > 0
             ? 1e-9 * static_cast<double>(measurement.what.bytes) / measurement.seconds
             : 0;
}

double bus_bandwidth(const Measurement& measurement, int ranks) {
  const double others = static_cast<double>(ranks - 1) / ranks;
  switch (measurement.what.measured) {
    case Measured::all_reduce:
      return algorithm_bandwidth(measurement) * 2 * others;
    case Measured::all_gather:
    case Measured::reduce_scatter:
    case Measured::all_to_all:
      return algorithm_bandwidth(measurement) * others;
    default:
      return algorithm_bandwidth(measurement);
  }
}

Measurement measure(Communicator& world, const BenchmarkCase& what, const BenchmarkOptions& options,
                    RawMpi* raw) {
  const Tensors tensors = make_tensors(world, what);
  Measurement result;
  result.what = what;
  result.count = tensors.whole.numel();
  result.what.bytes = static_cast<std::int64_t>(tensors.whole.nbytes());
  const bool nothing = result.count == 0 && what.measured != Measured::barrier;
  if (nothing || !RawMpi::supports(what.measured, what.type)) raw = nullptr;
  const std::int64_t wrong = count_wrong(world, what.measured, tensors);
  result.wrong =
      over_all_ranks(world, at::tensor({wrong}, at::kLong), ReduceOp::sum).item<std::int64_t>();
  tensors.whole.zero_();  // repeated sums of zeros stay zeros

  // Both kinds start from the same kind of barrier, so that their ranks start equally far apart.
  const auto align = [&] { raw ? raw->barrier() : finish(world.barrier()); };
  std::vector<std::int64_t> times, raw_times;
  for (int i = -options.warmup; i < options.iterations; ++i) {
    if (raw) {
      align();
      const std::int64_t time =
          nanoseconds_of([&] { raw->run(what.measured, tensors.whole, tensors.part); });
      if (i >= 0) raw_times.push_back(time);
    }
    align();
    const std::int64_t time = nanoseconds_of([&] { run(world, what.measured, tensors); });
    if (i >= 0) times.push_back(time);
  }
  const double share = what.measured == Measured::send_recv ? 0.5 : 1;
  result.seconds = share * median_seconds(world, times);
  if (raw) result.raw_seconds = share * median_seconds(world, raw_times);
  return result;
}

}  // namespace spillway::comm
