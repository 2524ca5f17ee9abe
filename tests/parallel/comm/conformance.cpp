#include "tests/parallel/comm/conformance.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/Exception.h>

#include <chrono>
#include <limits>
#include <thread>

namespace spillway::comm {
namespace {

constexpr at::ScalarType kTypes[]{at::kFloat, at::kBFloat16, at::kHalf,
                                  at::kInt,   at::kLong,     at::kByte};
constexpr at::ScalarType kFloats[]{at::kFloat, at::kBFloat16, at::kHalf};
constexpr std::int64_t kSizes[]{0, 1, 2, 3, 7, 1000, 4099, 65537, 1 << 18};

at::TensorOptions options(at::ScalarType type, const Backend& backend) {
  return at::TensorOptions().dtype(type).device(backend.device);
}

/// (rank + 1) * (i mod 7) at i: up to 4 ranks the sums stay exact in every type.
at::Tensor ramp(std::int64_t count, int factor, at::ScalarType type, const Backend& backend) {
  return at::arange(count, options(at::kLong, backend)).remainder(7).mul(factor).to(type);
}

int sum_of_ranks(const Communicator& world) { return world.size() * (world.size() + 1) / 2; }

/// Runs `check(type, count)` for every type at every size.
template <typename Check>
void for_types_and_sizes(Check check) {
  for (const at::ScalarType type : kTypes) {
    for (const std::int64_t count : kSizes) check(type, count);
  }
}

void all_reduce_sums(Communicator& world, const Backend& backend) {
  for_types_and_sizes([&](at::ScalarType type, std::int64_t count) {
    at::Tensor tensor = ramp(count, world.rank() + 1, type, backend);
    world.all_reduce(tensor).wait();
    EXPECT_TRUE(at::equal(tensor, ramp(count, sum_of_ranks(world), type, backend)))
        << type << " x " << count;
  });
}

void all_reduce_takes_the_maximum(Communicator& world, const Backend& backend) {
  for_types_and_sizes([&](at::ScalarType type, std::int64_t count) {
    at::Tensor tensor = ramp(count, world.rank() + 1, type, backend);
    world.all_reduce(tensor, ReduceOp::max).wait();
    EXPECT_TRUE(at::equal(tensor, ramp(count, world.size(), type, backend)))
        << type << " x " << count;
  });
}

void maximum_keeps_nan(Communicator& world, const Backend& backend) {
  if (!backend.keeps_nan) return;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const at::ScalarType type : kFloats) {
    for (int bad = 0; bad < world.size(); ++bad) {
      at::Tensor tensor =
          at::full({5}, world.rank() == bad ? nan : 1.0 + world.rank(), options(type, backend));
      world.all_reduce(tensor, ReduceOp::max).wait();
      EXPECT_TRUE(tensor.isnan().all().item<bool>()) << type << ", NaN on rank " << bad;
    }
  }
}

/// Random floats: what another order of summation would change.
void all_reduce_gives_every_rank_the_same_bits(Communicator& world, const Backend& backend) {
  for (const at::ScalarType type : kFloats) {
    for (const std::int64_t count : {std::int64_t{1}, std::int64_t{5}, std::int64_t{1003},
                                     std::int64_t{70001}, std::int64_t{1} << 20}) {
      at::Tensor tensor =
          at::rand({count}, options(at::kFloat, backend)).mul(1 + 1000 * world.rank()).to(type);
      world.all_reduce(tensor).wait();
      at::Tensor all = at::empty({world.size(), count}, tensor.options());
      world.all_gather(all, tensor).wait();
      for (int rank = 0; rank < world.size(); ++rank) {
        EXPECT_TRUE(at::equal(all[rank], tensor))
            << type << " x " << count << ", rank " << rank << " differs";
      }
    }
  }
}

/// `big` + 1 is a tie in this type and rounds back to `big`: rounding at every hop would lose all
/// the ones.
void sums_round_once(Communicator& world, const Backend& backend, at::ScalarType type, double big) {
  if (!backend.rounds_once || world.size() < 3) return;
  const double sum = big + world.size() - 1;  // 4 ranks: big + 3, a tie that goes up to even
  const at::Tensor rounded = at::full({33}, sum, options(at::kFloat, backend)).to(type);
  at::Tensor tensor = at::full({33}, world.rank() == 0 ? big : 1.0, options(type, backend));
  world.all_reduce(tensor).wait();
  EXPECT_TRUE(at::equal(tensor, rounded)) << type << ": " << tensor[0].item<float>();

  at::Tensor input =
      at::full({world.size() * 9}, world.rank() == 0 ? big : 1.0, options(type, backend));
  at::Tensor output = at::empty({9}, input.options());
  world.reduce_scatter(output, input).wait();
  EXPECT_TRUE(at::equal(output, rounded.slice(0, 0, 9))) << type << ": " << output[0].item<float>();
}

void sums_of_16_bit_floats_are_rounded_once(Communicator& world, const Backend& backend) {
  sums_round_once(world, backend, at::kBFloat16, 256);
  sums_round_once(world, backend, at::kHalf, 2048);
}

void integers_keep_all_their_bits(Communicator& world, const Backend& backend) {
  at::Tensor wide =
      at::full({3}, std::int64_t{1} << 53, options(at::kLong, backend)).add(world.rank());
  world.all_reduce(wide, ReduceOp::max).wait();
  EXPECT_EQ(wide[0].item<std::int64_t>(), (std::int64_t{1} << 53) + world.size() - 1);

  at::Tensor negative = at::full({3}, -1 - world.rank(), options(at::kInt, backend));
  world.all_reduce(negative, ReduceOp::max).wait();
  EXPECT_EQ(negative[0].item<std::int32_t>(), -1);
}

void broadcast_copies_the_root(Communicator& world, const Backend& backend) {
  for (int root = 0; root < world.size(); ++root) {
    for_types_and_sizes([&](at::ScalarType type, std::int64_t count) {
      at::Tensor tensor = ramp(count, world.rank() + 1, type, backend);
      world.broadcast(tensor, root).wait();
      EXPECT_TRUE(at::equal(tensor, ramp(count, root + 1, type, backend)))
          << type << " x " << count;
    });
  }
}

void all_gather_orders_by_rank(Communicator& world, const Backend& backend) {
  for_types_and_sizes([&](at::ScalarType type, std::int64_t count) {
    at::Tensor output = at::empty({world.size(), count}, options(type, backend));
    world.all_gather(output, ramp(count, world.rank() + 1, type, backend)).wait();
    for (int rank = 0; rank < world.size(); ++rank) {
      EXPECT_TRUE(at::equal(output[rank], ramp(count, rank + 1, type, backend)))
          << type << " x " << count;
    }
  });
}

void reduce_scatter_sums_each_part(Communicator& world, const Backend& backend) {
  for_types_and_sizes([&](at::ScalarType type, std::int64_t count) {
    at::Tensor output = at::empty({count}, options(type, backend));
    const at::Tensor input = ramp(count * world.size(), world.rank() + 1, type, backend);
    world.reduce_scatter(output, input).wait();
    const at::Tensor whole = ramp(count * world.size(), sum_of_ranks(world), type, backend);
    const at::Tensor expected = whole.slice(0, world.rank() * count, (world.rank() + 1) * count);
    EXPECT_TRUE(at::equal(output, expected)) << type << " x " << count;
  });
}

/// What rank a sends to rank b is a ramp times 5 a + b + 1, so that no two parts are alike.
void all_to_all_gives_rank_r_every_r_th_part(Communicator& world, const Backend& backend) {
  const int ranks = world.size();
  for_types_and_sizes([&](at::ScalarType type, std::int64_t count) {
    at::Tensor input = at::empty({ranks, count}, options(type, backend));
    for (int to = 0; to < ranks; ++to)
      input[to].copy_(ramp(count, 5 * world.rank() + to + 1, type, backend));
    const at::Tensor before = input.clone();
    at::Tensor output = at::empty({ranks, count}, options(type, backend));
    world.all_to_all(output, input).wait();
    EXPECT_TRUE(at::equal(input, before)) << type << " x " << count << ": the input changed";
    for (int from = 0; from < ranks; ++from) {
      EXPECT_TRUE(at::equal(output[from], ramp(count, 5 * from + world.rank() + 1, type, backend)))
          << type << " x " << count << " from rank " << from;
    }
  });
}

/// Every rank sends to the next; even ranks send first, so that no ring of senders waits for
/// itself.
void messages_arrive_whole(Communicator& world, const Backend& backend) {
  if (world.size() == 1) return;
  const int next = (world.rank() + 1) % world.size(),
            previous = (world.rank() + world.size() - 1) % world.size();
  for_types_and_sizes([&](at::ScalarType type, std::int64_t count) {
    at::Tensor got = at::empty({count}, options(type, backend));
    const at::Tensor sent = ramp(count, world.rank() + 1, type, backend);
    const bool first = world.rank() % 2 == 0;
    const Work one = first ? world.send(sent, next) : world.recv(got, previous);
    const Work two = first ? world.recv(got, previous) : world.send(sent, next);
    one.wait();
    two.wait();
    EXPECT_TRUE(at::equal(got, ramp(count, previous + 1, type, backend))) << type << " x " << count;
  });
}

/// 128 MiB through every operation: long enough for every pipelined or segmented path below.
void tensors_of_128_mib_arrive_whole(Communicator& world, const Backend& backend) {
  const std::int64_t count = (32 << 20) / 12 * 12;  // a multiple of 1, 2, 3 and 4 ranks
  const at::Tensor part = at::empty({count / world.size()}, options(at::kFloat, backend));
  at::Tensor tensor = at::empty({count}, part.options());
  const auto holds = [](const at::Tensor& values, int expected) {
    return values.eq(expected).all().item<bool>();
  };
  const auto fill = [&] { tensor.fill_(world.rank() + 1); };

  fill();
  world.all_reduce(tensor).wait();
  EXPECT_TRUE(holds(tensor, sum_of_ranks(world)));
  fill();
  world.broadcast(tensor, world.size() - 1).wait();
  EXPECT_TRUE(holds(tensor, world.size()));
  fill();
  world.reduce_scatter(part, tensor).wait();
  EXPECT_TRUE(holds(part, sum_of_ranks(world)));
  part.fill_(world.rank() + 1);
  world.all_gather(tensor, part).wait();
  for (int rank = 0; rank < world.size(); ++rank) {
    EXPECT_TRUE(holds(tensor.slice(0, rank * part.numel(), (rank + 1) * part.numel()), rank + 1));
  }
  at::Tensor exchanged = at::empty({count}, part.options());
  fill();
  world.all_to_all(exchanged, tensor).wait();
  for (int rank = 0; rank < world.size(); ++rank) {
    EXPECT_TRUE(
        holds(exchanged.slice(0, rank * part.numel(), (rank + 1) * part.numel()), rank + 1));
  }
  if (world.size() == 1) return;
  fill();
  if (world.rank() == 0) world.send(tensor, 1).wait();
  if (world.rank() != 1) return;
  world.recv(tensor, 0).wait();
  EXPECT_TRUE(holds(tensor, 1));
}

void messages_keep_their_order(Communicator& world, const Backend& backend) {
  if (world.size() == 1) return;
  std::vector<at::Tensor> tensors;
  std::vector<Work> works;
  for (int i = 0; i < 20; ++i) {
    const bool sends = world.rank() == 0;
    tensors.push_back(sends ? ramp(1 + 997 * i, i, at::kFloat, backend)
                            : at::empty({1 + 997 * i}, options(at::kFloat, backend)));
    if (world.rank() < 2)
      works.push_back(sends ? world.send(tensors[i], 1) : world.recv(tensors[i], 0));
  }
  for (const Work& work : works) work.wait();
  for (int i = 0; i < 20 && world.rank() == 1; ++i) {
    EXPECT_TRUE(at::equal(tensors[i], ramp(1 + 997 * i, i, at::kFloat, backend)))
        << "message " << i;
  }
}

void operations_run_in_call_order(Communicator& world, const Backend& backend) {
  at::Tensor tensor = at::full({1000}, 1.0, options(at::kFloat, backend));
  std::vector<Work> works;
  for (int i = 0; i < 8; ++i) works.push_back(world.all_reduce(tensor));
  works.back().wait();
  for (const Work& work : works) {
    work.wait();
    EXPECT_TRUE(work.done());
  }
  double expected = 1;
  for (int i = 0; i < 8; ++i) expected *= world.size();
  EXPECT_EQ(tensor.sum().item<double>(), 1000 * expected);
}

/// Nobody waits and nobody helps: only the backend's own thread or stream can finish it. The last
/// rank comes late, so that the others are already waiting when they compute. Returns how often the
/// caller computed meanwhile.
std::int64_t compute_beside_an_operation(Communicator& world, const Backend& backend) {
  at::Tensor tensor = at::full({1 << 20}, 1.0, options(at::kFloat, backend));
  if (world.rank() == world.size() - 1) std::this_thread::sleep_for(std::chrono::milliseconds(30));
  const auto start = std::chrono::steady_clock::now();
  const Work work = world.all_reduce(tensor);
  const auto issued = std::chrono::steady_clock::now();
  std::int64_t computed = 0;
  for (volatile double value = 1;
       !work.done() && issued + std::chrono::seconds(20) > std::chrono::steady_clock::now();) {
    for (int i = 0; i < 1000; ++i) value = value * 0.999 + 1;
    ++computed;
  }
  EXPECT_TRUE(work.done());
  EXPECT_LT(issued - start, std::chrono::seconds(5));
  work.wait();
  EXPECT_EQ(tensor.sum().item<double>(), static_cast<double>(world.size()) * (1 << 20));
  return computed;
}

/// A rank that is put to sleep between issuing and computing may find it done: not every time.
/// Alone there is nothing to do, which may be done before the caller looks.
void an_operation_finishes_while_the_caller_computes(Communicator& world, const Backend& backend) {
  std::int64_t computed = 0;
  for (int round = 0; round < 5; ++round) computed += compute_beside_an_operation(world, backend);
  if (world.size() > 1) {
    EXPECT_GT(computed, 0);
  }
}

void a_dropped_work_still_runs(Communicator& world, const Backend& backend) {
  at::Tensor tensor = ramp(100, world.rank() + 1, at::kFloat, backend);
  static_cast<void>(world.all_reduce(tensor));
  world.barrier().wait();
  EXPECT_TRUE(at::equal(tensor, ramp(100, sum_of_ranks(world), at::kFloat, backend)));
}

void split_forms_groups_by_color_and_key(Communicator& world, const Backend& backend) {
  const int color = world.rank() % 2;
  const std::unique_ptr<Communicator> half = world.split(color, -world.rank());  // reversed order
  ASSERT_NE(half, nullptr);
  const int members = (world.size() + 1 - color) / 2;
  EXPECT_EQ(half->size(), members);
  EXPECT_EQ(half->rank(), members - 1 - world.rank() / 2);
  EXPECT_EQ(half->backend(), world.backend());
  at::Tensor tensor = at::full({11}, world.rank(), options(at::kInt, backend));
  half->all_reduce(tensor).wait();
  int expected = 0;
  for (int rank = color; rank < world.size(); rank += 2) expected += rank;
  EXPECT_EQ(tensor[0].item<int>(), expected);
}

void split_with_equal_keys_keeps_the_order(Communicator& world, const Backend&) {
  const std::unique_ptr<Communicator> all = world.split(3, 0);
  ASSERT_NE(all, nullptr);
  EXPECT_EQ(all->rank(), world.rank());
  EXPECT_EQ(all->size(), world.size());
}

void a_negative_color_gets_no_group(Communicator& world, const Backend& backend) {
  const std::unique_ptr<Communicator> others = world.split(world.rank() == 0 ? -1 : 0, 0);
  EXPECT_EQ(others == nullptr, world.rank() == 0);
  if (!others) return;
  EXPECT_EQ(others->size(), world.size() - 1);
  at::Tensor tensor = at::full({4}, 1, options(at::kInt, backend));
  others->all_reduce(tensor).wait();
  EXPECT_EQ(tensor[0].item<int>(), world.size() - 1);
}

void groups_do_not_hear_each_other(Communicator& world, const Backend& backend) {
  const std::unique_ptr<Communicator> twin = world.split(0, world.rank());
  at::Tensor in_world = at::full({5000}, 1.0, options(at::kFloat, backend));
  at::Tensor in_twin = at::full({5000}, 2.0, options(at::kFloat, backend));
  const Work first = world.all_reduce(in_world), second = twin->all_reduce(in_twin);
  second.wait();
  first.wait();
  EXPECT_EQ(in_world[4999].item<float>(), 1.0F * static_cast<float>(world.size()));
  EXPECT_EQ(in_twin[4999].item<float>(), 2.0F * static_cast<float>(world.size()));
}

void traffic_is_counted(Communicator& world, const Backend& backend) {
  const std::unique_ptr<Communicator> group = world.split(0, world.rank());
  at::Tensor tensor = at::zeros({1000}, options(at::kFloat, backend));
  group->all_reduce(tensor).wait();
  group->all_reduce(tensor).wait();
  group->barrier().wait();
  const OperationTraffic reduced = group->traffic()[Operation::all_reduce];
  EXPECT_EQ(reduced.calls, 2);
  EXPECT_EQ(reduced.payload_bytes, 8000);
  EXPECT_DOUBLE_EQ(reduced.wire_bytes, 8000.0 * 2 * (world.size() - 1) / world.size());
  EXPECT_GT(reduced.seconds, 0);
  EXPECT_EQ(group->traffic()[Operation::barrier].calls, 1);
  const at::Tensor input = at::zeros({world.size(), 7}, options(at::kHalf, backend));
  group->all_to_all(at::empty_like(input), input).wait();
  const OperationTraffic exchanged = group->traffic()[Operation::all_to_all];
  EXPECT_EQ(exchanged.payload_bytes, 14 * world.size());
  EXPECT_DOUBLE_EQ(exchanged.wire_bytes, 14.0 * (world.size() - 1));
  EXPECT_EQ(group->traffic().total().calls, 4);
}

void bad_arguments_are_refused_before_anything_is_sent(Communicator& world,
                                                       const Backend& backend) {
  const at::Tensor good = at::zeros({4, 6}, options(at::kFloat, backend));
  EXPECT_THROW(world.all_reduce(good.t()), c10::Error);
  EXPECT_THROW(world.all_reduce(good.to(at::kDouble)), c10::Error);
  EXPECT_THROW(world.all_reduce(at::Tensor()), c10::Error);
  EXPECT_THROW(world.broadcast(good, world.size()), c10::Error);
  EXPECT_THROW(world.broadcast(good, -1), c10::Error);
  EXPECT_THROW(world.send(good, world.rank()), c10::Error);
  EXPECT_THROW(world.recv(good, world.size()), c10::Error);
  const at::Tensor wrong = at::zeros({24 * world.size() + 1}, options(at::kFloat, backend));
  EXPECT_THROW(world.all_gather(wrong, good), c10::Error);
  EXPECT_THROW(world.reduce_scatter(good, wrong), c10::Error);
  EXPECT_THROW(world.all_gather(good.view({24}), good.view({24}).slice(0, 0, 24 / world.size())),
               c10::Error);
  const at::Tensor other_type = at::zeros({24 * world.size()}, options(at::kInt, backend));
  EXPECT_THROW(world.all_gather(other_type, good), c10::Error);
  const at::Tensor parts = at::zeros({24 * world.size()}, options(at::kFloat, backend));
  EXPECT_THROW(world.all_to_all(parts, parts), c10::Error);
  EXPECT_THROW(world.all_to_all(parts, other_type), c10::Error);
  EXPECT_THROW(world.all_to_all(wrong, parts), c10::Error);
  if (world.size() > 1) {
    EXPECT_THROW(world.all_to_all(wrong, at::zeros_like(wrong)), c10::Error);
  }
  at::Tensor still_works = at::full({3}, 1.0, options(at::kFloat, backend));
  world.all_reduce(still_works).wait();
  EXPECT_EQ(still_works[0].item<int>(), world.size());
}

}  // namespace

const std::vector<ConformanceCase>& conformance_cases() {
  static const std::vector<ConformanceCase> kCases{
      {"AllReduceSums", all_reduce_sums},
      {"AllReduceTakesTheMaximum", all_reduce_takes_the_maximum},
      {"MaximumKeepsNan", maximum_keeps_nan},
      {"AllReduceGivesEveryRankTheSameBits", all_reduce_gives_every_rank_the_same_bits},
      {"SumsOf16BitFloatsAreRoundedOnce", sums_of_16_bit_floats_are_rounded_once},
      {"IntegersKeepAllTheirBits", integers_keep_all_their_bits},
      {"BroadcastCopiesTheRoot", broadcast_copies_the_root},
      {"AllGatherOrdersByRank", all_gather_orders_by_rank},
      {"ReduceScatterSumsEachPart", reduce_scatter_sums_each_part},
      {"AllToAllGivesRankREveryRthPart", all_to_all_gives_rank_r_every_r_th_part},
      {"MessagesArriveWhole", messages_arrive_whole},
      {"TensorsOf128MibArriveWhole", tensors_of_128_mib_arrive_whole},
      {"MessagesKeepTheirOrder", messages_keep_their_order},
      {"OperationsRunInCallOrder", operations_run_in_call_order},
      {"AnOperationFinishesWhileTheCallerComputes",
       an_operation_finishes_while_the_caller_computes},
      {"ADroppedWorkStillRuns", a_dropped_work_still_runs},
      {"SplitFormsGroupsByColorAndKey", split_forms_groups_by_color_and_key},
      {"SplitWithEqualKeysKeepsTheOrder", split_with_equal_keys_keeps_the_order},
      {"ANegativeColorGetsNoGroup", a_negative_color_gets_no_group},
      {"GroupsDoNotHearEachOther", groups_do_not_hear_each_other},
      {"TrafficIsCounted", traffic_is_counted},
      {"BadArgumentsAreRefusedBeforeAnythingIsSent",
       bad_arguments_are_refused_before_anything_is_sent},
  };
  return kCases;
}

}  // namespace spillway::comm
