#include "compression/quantize/qsgd.hpp"

#include "compression/joined.hpp"
#include "compression/mix.hpp"
#include "compression/quantize/quantize.hpp"

namespace spillway::compression {
namespace {

class QuantizeCodec final : public Codec {
 public:
  /// `own`, `mean`: seeds of the two rounds.
  QuantizeCodec(int bits, std::uint64_t own, std::uint64_t mean)
      : bits_(bits), own_(own), mean_(mean) {}

  std::int64_t group() const override { return kQuantizedGroup; }
  std::int64_t bytes(std::int64_t n) const override { return quantized_bytes(n, bits_); }
  void encode(const float* values, std::int64_t n, std::int64_t first, bool again,
              std::byte* code) const override {
    quantize(values, n, bits_, again ? mean_ : own_, first, code);
  }
  void decode(const std::byte* code, std::int64_t n, float* values) const override {
    dequantize(code, n, bits_, values);
  }
  void decode_add(const std::byte* code, std::int64_t n, float* values) const override {
    dequantize_add(code, n, bits_, values);
  }

 private:
  int bits_;
  std::uint64_t own_, mean_;
};

}  // namespace

Qsgd::Qsgd(int bits, const std::vector<Member>& members, comm::Communicator& replicas, Meter& meter,
           std::uint64_t seed)
    : bits_(bits), seed_(seed), wire_(replicas, "fp32", meter) {
  for (const Member& member : members) index_.emplace(member.name, index_.size());
}

void Qsgd::exchange(std::span<Piece> pieces) {
  const std::uint64_t bucket =
      mix(mix(seed_, static_cast<std::uint64_t>(step_)), index_.at(*pieces.front().name));
  const std::uint64_t own = mix(bucket, static_cast<std::uint64_t>(wire_.rank()));
  Joined joined(pieces, joined_, 0);
  sharded_mean(joined.flat(), at::Tensor(), QuantizeCodec(bits_, own, ~bucket), wire_, workspace_);
  joined.write_back();
}

std::int64_t qsgd_shard_bytes(std::int64_t n, int replicas, int bits) {
  return shard_bytes(n, replicas, QuantizeCodec(bits, 0, 0));
}

}  // namespace spillway::compression
