#include "compression/quantize/sign_sgd.hpp"

#include <ATen/ops/vdot.h>

#include <cmath>

#include "compression/joined.hpp"
#include "compression/quantize/sign.hpp"

namespace spillway::compression {
namespace {

enum Buffer : std::uint8_t { kFlat, kRest };

class SignCodec final : public Codec {
 public:
  std::int64_t group() const override { return kSignGroup; }
  std::int64_t bytes(std::int64_t n) const override { return sign_bytes(n); }
  void encode(const float* values, std::int64_t n, std::int64_t /*first*/, bool /*again*/,
              std::byte* code) const override {
    pack_signs(values, n, code);
  }
  void decode(const std::byte* code, std::int64_t n, float* values) const override {
    unpack_signs(code, n, values);
  }
  void decode_add(const std::byte* code, std::int64_t n, float* values) const override {
    unpack_signs_add(code, n, values);
  }
};

}  // namespace

void SignSgd::exchange(std::span<Piece> pieces) {
  const bool feedback = pieces.front().feedback != nullptr;
  {
    const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::compress_seconds);
    for (const Piece& piece : pieces) piece.add_error();
  }
  Joined joined(pieces, joined_, kFlat);
  const at::Tensor rest =
      feedback ? joined_.get(kRest, joined.flat().numel(), joined.flat().options()) : at::Tensor();
  sharded_mean(joined.flat(), rest, SignCodec(), wire_, workspace_);
  joined.write_back();
  if (!feedback) return;
  const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::decompress_seconds);
  for (std::size_t i = 0; i < pieces.size(); ++i) keep(pieces[i], joined.part(rest, i));
}

/// A mean that is not finite leaves the error as it was.
void SignSgd::keep(Piece& piece, const at::Tensor& rest) {
  const at::Tensor mean = piece.gradient.view(-1);
  if (!std::isfinite(at::vdot(mean, mean).item<float>())) return;
  piece.feedback->measure_next(piece.feedback->next(piece.gradient).copy_(rest));
}

std::int64_t sign_shard_bytes(std::int64_t n, int replicas) {
  return shard_bytes(n, replicas, SignCodec());
}

}  // namespace spillway::compression
