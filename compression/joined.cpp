#include "compression/joined.hpp"

namespace spillway::compression {

Joined::Joined(std::span<Piece> pieces, Workspace& workspace, std::size_t number,
               std::int64_t padded_numel)
    : pieces_(pieces) {
  const at::Tensor& first = pieces.front().gradient;
  const float* end = first.const_data_ptr<float>();
  std::int64_t numel = 0;
  bool adjacent = true;
  for (const Piece& piece : pieces) {
    const float* begin = piece.gradient.const_data_ptr<float>();
    adjacent = adjacent && (piece.gradient.numel() == 0 || begin == end);
    end += piece.gradient.numel();
    offsets_.push_back(numel);
    numel += piece.gradient.numel();
  }
  copied_ = !adjacent || padded_numel > numel;
  if (!copied_) {
    flat_ = first.as_strided({numel}, {1});
    return;
  }
  flat_ = workspace.get(number, std::max(numel, padded_numel), first.options());
  for (std::size_t i = 0; i < pieces.size(); ++i) part(flat_, i).copy_(pieces[i].gradient);
  flat_.narrow(0, numel, flat_.numel() - numel).zero_();
}

at::Tensor Joined::part(const at::Tensor& flat, std::size_t i) const {
  const at::Tensor& gradient = pieces_[i].gradient;
  return flat.narrow(0, offsets_[i], gradient.numel()).view(gradient.sizes());
}

void Joined::write_back() {
  if (!copied_) return;
  for (std::size_t i = 0; i < pieces_.size(); ++i) pieces_[i].gradient.copy_(part(flat_, i));
}

}  // namespace spillway::compression
