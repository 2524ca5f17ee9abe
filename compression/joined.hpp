#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compression/compressor.hpp"
#include "compression/workspace.hpp"

namespace spillway::compression {

/// The gradients of several pieces as one vector: a view of them where they lie side by side, as
/// those of a whole bucket do, else a copy in the workspace.
class Joined {
 public:
  /// `number`: of the buffer in the workspace. With `padded_numel` larger than the pieces it is
  /// always a copy, zeros behind them.
  Joined(std::span<Piece> pieces, Workspace& workspace, std::size_t number,
         std::int64_t padded_numel = 0);

  at::Tensor& flat() { return flat_; }
  /// Part i of a vector laid out like flat(), in the shape of piece i.
  at::Tensor part(const at::Tensor& flat, std::size_t i) const;
  /// Brings flat() back to the pieces.
  void write_back();

 private:
  std::span<Piece> pieces_;
  std::vector<std::int64_t> offsets_;
  at::Tensor flat_;
  bool copied_ = false;
};

}  // namespace spillway::compression
