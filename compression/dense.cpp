#include "compression/dense.hpp"

#include "compression/joined.hpp"

namespace spillway::compression {

void Dense::exchange(std::span<Piece> pieces) {
  Joined joined(pieces, workspace_, 0);
  const bool divide_first = wire_.format() == at::kHalf;
  const auto divide = [&](double ExchangeStatistics::*phase) {
    const Meter::Timer timer(wire_.meter(), phase);
    if (wire_.replicas() > 1) joined.flat().div_(wire_.replicas());
  };
  if (divide_first) divide(&ExchangeStatistics::compress_seconds);
  wire_.sum(joined.flat());
  if (!divide_first) divide(&ExchangeStatistics::decompress_seconds);
  joined.write_back();
}

}  // namespace spillway::compression
