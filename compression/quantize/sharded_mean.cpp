#include "compression/quantize/sharded_mean.hpp"

#include <c10/util/Exception.h>

#include <algorithm>

namespace spillway::compression {
namespace {

enum Buffer : std::uint8_t { kSent, kReceived, kShard, kDecoded };

std::int64_t shard_elements(std::int64_t n, int replicas, const Codec& codec) {
  const std::int64_t part = (n + replicas - 1) / replicas;
  return (part + codec.group() - 1) / codec.group() * codec.group();
}

/// The two rounds of sharded_mean(), on host memory.
class Rounds {
 public:
  Rounds(const at::Tensor& flat, const at::Tensor& rest, const Codec& codec, Wire& wire,
         Workspace& workspace)
      : values_(flat.mutable_data_ptr<float>()),
        rest_(rest.defined() ? rest.mutable_data_ptr<float>() : nullptr),
        numel_(flat.numel()),
        shard_(shard_elements(numel_, wire.replicas(), codec)),
        bytes_(codec.bytes(shard_)),
        codec_(codec),
        wire_(wire),
        workspace_(workspace) {}

  void run() {
    const at::Tensor sent = bytes(kSent, wire_.replicas() * bytes_);
    const at::Tensor received = bytes(kReceived, wire_.replicas() * bytes_);
    encode(data(sent));
    wire_.all_to_all(received, sent);
    const at::Tensor mine = sent.narrow(0, 0, bytes_);
    code_mean(data(received), data(mine));
    wire_.all_gather(received, mine);
    const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::decompress_seconds);
    for (int r = 0; r < wire_.replicas(); ++r)
      codec_.decode(data(received) + r * bytes_, size(r), values_ + first(r));
  }

 private:
  std::int64_t first(int replica) const { return std::min(numel_, replica * shard_); }
  std::int64_t size(int replica) const { return first(replica + 1) - first(replica); }
  at::Tensor bytes(Buffer buffer, std::int64_t count) {
    return workspace_.get(buffer, count, at::TensorOptions(at::kByte));
  }
  at::Tensor floats(Buffer buffer) {
    return workspace_.get(buffer, shard_, at::TensorOptions(at::kFloat));
  }
  static std::byte* data(const at::Tensor& tensor) {
    return reinterpret_cast<std::byte*>(tensor.mutable_data_ptr<std::uint8_t>());
  }

  void encode(std::byte* sent) {
    const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::compress_seconds);
    float* decoded = floats(kDecoded).mutable_data_ptr<float>();
    for (int r = 0; r < wire_.replicas(); ++r) {
      const float* own = values_ + first(r);
      codec_.encode(own, size(r), r * shard_, false, sent + r * bytes_);
      if (!rest_) continue;
      codec_.decode(sent + r * bytes_, size(r), decoded);
      for (std::int64_t i = 0; i < size(r); ++i) rest_[first(r) + i] = own[i] - decoded[i];
    }
  }

  void code_mean(const std::byte* received, std::byte* code) {
    const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::compress_seconds);
    const auto replicas = static_cast<float>(wire_.replicas());
    const std::int64_t begin = first(wire_.rank()), count = size(wire_.rank());
    float* mean = floats(kShard).mutable_data_ptr<float>();
    codec_.decode(received, count, mean);
    for (int r = 1; r < wire_.replicas(); ++r)
      codec_.decode_add(received + r * bytes_, count, mean);
    for (std::int64_t i = 0; i < count; ++i) mean[i] /= replicas;
    codec_.encode(mean, count, wire_.rank() * shard_, true, code);
    if (!rest_) return;
    float* decoded = floats(kDecoded).mutable_data_ptr<float>();
    codec_.decode(code, count, decoded);
    for (std::int64_t i = 0; i < count; ++i) rest_[begin + i] += replicas * (mean[i] - decoded[i]);
  }

  float* values_;
  float* rest_;
  std::int64_t numel_, shard_, bytes_;
  const Codec& codec_;
  Wire& wire_;
  Workspace& workspace_;
};

}  // namespace

std::int64_t shard_bytes(std::int64_t n, int replicas, const Codec& codec) {
  return codec.bytes(shard_elements(n, replicas, codec));
}

void sharded_mean(at::Tensor& flat, const at::Tensor& rest, const Codec& codec, Wire& wire,
                  Workspace& workspace) {
  TORCH_CHECK(flat.is_cpu(), "compression: qsgd and sign exchange gradients on the CPU only");
  Rounds(flat, rest, codec, wire, workspace).run();
}

}  // namespace spillway::compression
