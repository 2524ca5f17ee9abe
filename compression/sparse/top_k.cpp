#include "compression/sparse/top_k.hpp"

#include <ATen/ops/abs.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/topk.h>

#include "compression/sparse/sparse_part.hpp"

namespace spillway::compression {
namespace {

enum Buffer : std::uint8_t { kSelected, kPayload, kReceived };

}  // namespace

TopK::TopK(const config::CompressionMethod& method, const std::vector<Member>& members,
           comm::Communicator& replicas, Meter& meter)
    : wire_(replicas, method.wire, meter) {
  for (const Member& member : members) density_.emplace(member.name, member.method.density);
}

void TopK::exchange(std::span<Piece> pieces) {
  std::vector<std::int64_t> counts;
  std::int64_t all = 0;
  for (const Piece& piece : pieces) {
    counts.push_back(sparse_count(piece.gradient.numel(), density_.at(*piece.name)));
    all += counts.back();
  }
  const at::TensorOptions options = pieces.front().gradient.options();
  const auto width = static_cast<std::int64_t>(c10::elementSize(wire_.format()));
  const std::int64_t bytes = top_k_bytes(all, width);
  const at::Tensor payload = workspace_.get(kPayload, bytes, options.dtype(at::kByte));
  const at::Tensor received =
      workspace_.get(kReceived, wire_.replicas() * bytes, options.dtype(at::kByte));
  // One replica's part: the indices of all pieces, then the values of all pieces.
  const auto indices_of = [&](const at::Tensor& part) {
    return part.narrow(0, 0, 4 * all).view(at::kInt);
  };
  const auto values_of = [&](const at::Tensor& part) {
    return part.narrow(0, 4 * all, width * all).view(wire_.format());
  };
  {
    const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::compress_seconds);
    const at::Tensor selected = workspace_.get(kSelected, all, options);
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < pieces.size(); offset += counts[i++]) {
      const at::Tensor indices = indices_of(payload).narrow(0, offset, counts[i]);
      const at::Tensor values = selected.narrow(0, offset, counts[i]);
      select(with_error(pieces[i]), indices, values);
      values_of(payload).narrow(0, offset, counts[i]).copy_(values);
      keep_rest(pieces[i], indices, wire_.as_sent(values));
    }
  }
  wire_.all_gather(received, payload);
  const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::decompress_seconds);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < pieces.size(); offset += counts[i++]) {
    const at::Tensor mean = pieces[i].gradient.view(-1).zero_();
    bool finite = true;
    for (int replica = 0; replica < wire_.replicas(); ++replica) {
      const at::Tensor part = received.narrow(0, replica * bytes, bytes);
      const at::Tensor values =
          values_of(part).narrow(0, offset, counts[i]).to(at::kFloat).div(wire_.replicas());
      finite = finite && at::isfinite(values).all().item<bool>();
      mean.index_add_(0, indices_of(part).narrow(0, offset, counts[i]), values);
    }
    if (!finite) give_up(pieces[i]);
  }
}

std::int64_t top_k_bytes(std::int64_t count, std::int64_t width) {
  return 4 * count + (width * count + 3) / 4 * 4;
}

/// An inf or nan counts as the largest, so it is among them and all replicas learn of it.
void TopK::select(const at::Tensor& values, const at::Tensor& indices, const at::Tensor& selected) {
  if (values.is_cpu()) {
    selector_.select(values.const_data_ptr<float>(), values.numel(), indices.numel(),
                     indices.mutable_data_ptr<std::int32_t>(), selected.mutable_data_ptr<float>());
    return;
  }
  const at::Tensor largest = std::get<1>(at::topk(values.abs(), indices.numel(), 0, true, false));
  indices.copy_(largest);
  selected.copy_(values.index_select(0, largest));
}

}  // namespace spillway::compression
