#include "trainer/checkpoint/agreement.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

constexpr std::size_t kComplaintsShown = 3;

at::Tensor to_tensor(const std::string& text, std::int64_t bytes) {
  at::Tensor tensor = at::zeros({bytes}, at::kByte);
  std::memcpy(tensor.data_ptr(), text.data(), text.size());
  return tensor;
}

std::string to_text(const at::Tensor& tensor, std::int64_t begin, std::int64_t bytes) {
  return {static_cast<const char*>(tensor.const_data_ptr()) + begin,
          static_cast<std::size_t>(bytes)};
}

/// Every rank's number of bytes, int64 [ranks].
at::Tensor gather_lengths(comm::Communicator& group, const std::string& mine) {
  at::Tensor length = at::zeros({1}, at::kLong);
  *static_cast<std::int64_t*>(length.data_ptr()) = static_cast<std::int64_t>(mine.size());
  at::Tensor lengths = at::empty({group.size()}, at::kLong);
  group.all_gather(lengths, length).wait();
  return lengths;
}

}  // namespace

std::vector<std::string> gather_text(comm::Communicator& group, const std::string& mine) {
  if (group.size() == 1) return {mine};
  const at::Tensor lengths = gather_lengths(group, mine);
  const auto* length = static_cast<const std::int64_t*>(lengths.const_data_ptr());
  const std::int64_t longest = *std::max_element(length, length + group.size());
  const at::Tensor all = at::empty({group.size() * longest}, at::kByte);
  group.all_gather(all, to_tensor(mine, longest)).wait();
  std::vector<std::string> texts;
  texts.reserve(static_cast<std::size_t>(group.size()));
  for (int rank = 0; rank < group.size(); ++rank) {
    texts.push_back(to_text(all, rank * longest, length[rank]));
  }
  return texts;
}

std::string broadcast_text(comm::Communicator& group, const std::string& mine, int root) {
  if (group.size() == 1) return mine;
  const at::Tensor lengths = gather_lengths(group, mine);
  const std::int64_t bytes = static_cast<const std::int64_t*>(lengths.const_data_ptr())[root];
  const at::Tensor text =
      group.rank() == root ? to_tensor(mine, bytes) : at::empty({bytes}, at::kByte);
  group.broadcast(text, root).wait();
  return to_text(text, 0, bytes);
}

void agree(comm::Communicator& group, const std::string& what, const std::string& complaint) {
  const std::vector<std::string> complaints = gather_text(group, complaint);
  std::string message;
  std::size_t shown = 0, all = 0;
  for (std::size_t rank = 0; rank < complaints.size(); ++rank) {
    if (complaints[rank].empty() || ++all > kComplaintsShown) continue;
    message += (shown++ ? "; rank " : "rank ") + std::to_string(rank) + ": " + complaints[rank];
  }
  if (all == 0) return;
  if (all > shown) message += "; and " + std::to_string(all - shown) + " more ranks";
  throw Error(ErrorKind::fault, what + ": " + message, ThrownBy::all_ranks);
}

}  // namespace spillway::trainer
