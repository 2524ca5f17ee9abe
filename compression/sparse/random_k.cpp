#include "compression/sparse/random_k.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/isfinite.h>

#include <cmath>
#include <limits>

#include "compression/mix.hpp"
#include "compression/sparse/sparse_part.hpp"

namespace spillway::compression {

RandomK::RandomK(const config::CompressionMethod& method, const std::vector<Member>& members,
                 comm::Communicator& replicas, Meter& meter, std::uint64_t seed)
    : seed_(seed), wire_(replicas, method.wire, meter) {
  for (const Member& member : members)
    parameters_.emplace(member.name, Parameter{member.method.density, parameters_.size()});
}

void RandomK::exchange(std::span<Piece> pieces) {
  std::vector<at::Tensor> indices;
  std::int64_t all = 0;
  for (const Piece& piece : pieces) {
    indices.push_back(
        draw(piece, sparse_count(piece.gradient.numel(), parameters_.at(*piece.name).density)));
    all += indices.back().numel();
  }
  at::Tensor values = workspace_.get(0, all, pieces.front().gradient.options());
  {
    const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::compress_seconds);
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < pieces.size(); offset += indices[i++].numel()) {
      at::Tensor mine = values.narrow(0, offset, indices[i].numel());
      at::index_select_out(mine, with_error(pieces[i]), 0, indices[i]);
      if (!keep(pieces[i], indices[i], mine)) mine.fill_(std::numeric_limits<float>::quiet_NaN());
    }
  }
  wire_.sum(values);
  const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::decompress_seconds);
  values.div_(wire_.replicas());
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < pieces.size(); offset += indices[i++].numel()) {
    const at::Tensor mean = values.narrow(0, offset, indices[i].numel());
    if (!at::isfinite(mean).all().item<bool>()) {
      give_up(pieces[i]);
      continue;
    }
    pieces[i].gradient.view(-1).zero_().index_add_(0, indices[i], mean);
  }
}

/// False when what is left is not finite, which nobody else would learn of.
bool RandomK::keep(const Piece& piece, const at::Tensor& indices, const at::Tensor& values) {
  if (!piece.feedback) return at::isfinite(piece.gradient).all().item<bool>();
  keep_rest(piece, indices, wire_.as_sent(values));
  return std::isfinite(piece.feedback->next_squares());
}

at::Tensor RandomK::draw(const Piece& piece, std::int64_t count) {
  const std::uint64_t parameter = parameters_.at(*piece.name).index;
  const at::Tensor indices = at::empty({count}, at::kInt);
  indices_.draw(mix(mix(seed_, static_cast<std::uint64_t>(step_)), parameter),
                piece.gradient.numel(), count, indices.mutable_data_ptr<std::int32_t>());
  return indices.to(piece.gradient.device());
}

}  // namespace spillway::compression
