#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>

#include "compression/wire.hpp"
#include "compression/workspace.hpp"

namespace spillway::compression {

/// Few bits for many floats, in groups that stand alone.
class Codec {
 public:
  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  virtual ~Codec() = default;

  /// Elements of a group.
  virtual std::int64_t group() const = 0;
  /// Of the code of n elements.
  virtual std::int64_t bytes(std::int64_t n) const = 0;
  /// values [n] begin at element `first`, a multiple of group(), of the whole. `again`: the code of
  /// the mean, else of a replica's own.
  virtual void encode(const float* values, std::int64_t n, std::int64_t first, bool again,
                      std::byte* code) const = 0;
  virtual void decode(const std::byte* code, std::int64_t n, float* values) const = 0;
  virtual void decode_add(const std::byte* code, std::int64_t n, float* values) const = 0;
};

/// Bytes of the code of a shard in sharded_mean() of n elements: an equal part of n, rounded up to
/// whole groups. A replica gives one for every replica to the all-to-all, and one to the
/// all-gather.
std::int64_t shard_bytes(std::int64_t n, int replicas, const Codec& codec);

/// The mean over replicas in coded form with traffic that does not grow with their number: each
/// replica owns a shard; an all-to-all brings it everyone's code of that shard, it codes the mean
/// of them again, and an all-gather spreads that (as the quantized all-reduce of ZeRO++, Wang et
/// al. 2023, arXiv:2306.10209, section 3.3, and 1-bit Adam, Tang et al. 2021, arXiv:2102.02888).
///
/// flat [n], float32: in: this replica's, out: the mean, the same bits everywhere. `rest` [n], when
/// defined: out: what this replica has to keep so that nothing is lost: its own part less its code,
/// and in its shard, once for every replica, the mean less its code; so the mean of `rest` over
/// replicas is the mean of `flat` less the result.
/// On the CPU only; throws c10::Error elsewhere.
/// Two collectives; blocks.
void sharded_mean(at::Tensor& flat, const at::Tensor& rest, const Codec& codec, Wire& wire,
                  Workspace& workspace);

}  // namespace spillway::compression
