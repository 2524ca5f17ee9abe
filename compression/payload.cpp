#include "compression/payload.hpp"

#include <c10/util/accumulate.h>

#include <algorithm>

#include "compression/bucket_power_sgd.hpp"
#include "compression/low_rank/low_rank_shape.hpp"
#include "compression/low_rank/power_iterations.hpp"
#include "compression/make_compressor.hpp"
#include "compression/quantize/qsgd.hpp"
#include "compression/quantize/sign_sgd.hpp"
#include "compression/sparse/sparse_part.hpp"
#include "compression/sparse/top_k.hpp"
#include "configs/compression_rules.hpp"
#include "configs/error.hpp"
#include "parallel/comm/traffic.hpp"

namespace spillway::compression {
namespace {

std::int64_t numel(const Member& member) { return c10::multiply_integers(member.shape); }

std::int64_t numel(const std::vector<Member>& members) {
  std::int64_t sum = 0;
  for (const Member& member : members) sum += numel(member);
  return sum;
}

bool is_compressed(const Member& member, const LowRankShape& shape) {
  return worth_compressing(shape, member.method.min_compression_rate);
}

/// A step of PowerSGD, with its power iterations: whole gradients ride with the first left factor.
Payload power_sgd(const std::vector<Member>& members, std::int64_t steps, std::int64_t width) {
  const config::CompressionMethod& method = members.front().method;
  const std::int64_t iterations = power_iterations(method, steps).count;
  std::int64_t factors = 0, whole = 0;
  if (method.matrix == "bucket") {
    factors = bucket_shape(numel(members), method.approximation_rank).compressed();
  } else {
    for (const Member& member : members) {
      const LowRankShape shape = low_rank_shape(member.shape, member.method.approximation_rank);
      if (is_compressed(member, shape))
        factors += shape.compressed();
      else
        whole += shape.dense();
    }
  }
  if (method.matrix == "bucket" && factors == 0) return {};
  return {.all_reduce = width * (iterations * factors + whole),
          .collectives = factors > 0 ? 2 * iterations : iterations};
}

/// Elements of a step of ACP: one of the two factors.
std::int64_t acp_elements(const std::vector<Member>& members, bool left) {
  std::int64_t elements = 0;
  for (const Member& member : members) {
    const LowRankShape shape = low_rank_shape(member.shape, member.method.approximation_rank);
    elements += is_compressed(member, shape)
                    ? shape.approximation_rank * (left ? shape.rows : shape.columns)
                    : shape.dense();
  }
  return elements;
}

std::int64_t sparse_elements(const std::vector<Member>& members) {
  std::int64_t elements = 0;
  for (const Member& member : members)
    elements += sparse_count(numel(member), member.method.density);
  return elements;
}

/// Of parameters that go through one compressor together.
Payload payload_of(const config::CompressionConfig& config, const std::vector<Member>& members,
                   int replicas, std::int64_t step) {
  const config::CompressionMethod& method = members.front().method;
  const std::int64_t width = method.wire == "fp32" ? 4 : 2, steps = step - method.start_step;
  const auto reduced = [](std::int64_t bytes) {
    return Payload{.all_reduce = bytes, .collectives = 1};
  };
  if (method.method == "none") return reduced(4 * numel(members));
  if (method.method == "bf16" || method.method == "fp16") return reduced(2 * numel(members));
  if (method.method == "powersgd") return power_sgd(members, steps, width);
  if (method.method == "acp")
    return reduced(width * acp_elements(members, !config.warm_start || steps % 2 == 0));
  if (method.method == "topk")
    return {.all_gather = top_k_bytes(sparse_elements(members), width), .collectives = 1};
  if (method.method == "randomk") return reduced(width * sparse_elements(members));
  if (method.method == "qsgd") {
    const std::int64_t shard =
        qsgd_shard_bytes(numel(members), replicas, method.quantization == "int8" ? 8 : 4);
    return {.all_gather = shard, .all_to_all = replicas * shard, .collectives = 2};
  }
  if (method.method == "sign") {
    const std::int64_t shard = sign_shard_bytes(numel(members), replicas);
    return {.all_gather = shard, .all_to_all = replicas * shard, .collectives = 2};
  }
  fail("no payload is known for compression.method = " + method.method);
}

}  // namespace

double Payload::wire(int replicas) const {
  const auto leaves = [&](comm::Operation operation, std::int64_t payload) {
    return comm::ring_share(operation, replicas) * static_cast<double>(payload);
  };
  return leaves(comm::Operation::all_reduce, all_reduce) +
         leaves(comm::Operation::all_gather, replicas * all_gather) +
         leaves(comm::Operation::all_to_all, all_to_all);
}

Payload& Payload::operator+=(const Payload& other) {
  all_reduce += other.all_reduce;
  all_gather += other.all_gather;
  all_to_all += other.all_to_all;
  collectives += other.collectives;
  return *this;
}

Payload payload_of(const config::CompressionConfig& config,
                   const std::vector<ParameterShape>& bucket, int replicas, std::int64_t step) {
  std::vector<std::vector<Member>> groups;
  for (const auto& [name, shape] : bucket) {
    Member member{name, shape, config::method_of(config, name)};
    if (step < member.method.start_step) member.method.method = dense_method(member.method);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& others) {
      return may_share(others.front().method, member.method);
    });
    if (group == groups.end()) group = groups.insert(group, std::vector<Member>());
    group->push_back(member);
  }
  Payload sum;
  for (const auto& group : groups) sum += payload_of(config, group, replicas, step);
  return sum;
}

}  // namespace spillway::compression
