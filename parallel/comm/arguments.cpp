#include "parallel/comm/arguments.hpp"

#include <c10/util/Exception.h>

namespace spillway::comm {

void check_tensor(Operation operation, const at::Tensor& tensor, at::DeviceType device) {
  TORCH_CHECK(tensor.defined(), to_string(operation), ": the tensor is undefined");
  TORCH_CHECK(tensor.device().type() == device, to_string(operation), ": the tensor is on ",
              tensor.device(), ", this communicator carries tensors on ", device);
  TORCH_CHECK(tensor.is_contiguous(), to_string(operation), ": the tensor of shape ",
              tensor.sizes(), " and strides ", tensor.strides(), " is not contiguous");
  switch (tensor.scalar_type()) {
    case at::kFloat:
    case at::kBFloat16:
    case at::kInt:
    case at::kLong:
    case at::kByte:
      return;
    default:
      TORCH_CHECK(false, to_string(operation), ": type ", tensor.scalar_type(),
                  " is not one of Float, BFloat16, Int, Long, Byte");
  }
}

void check_parts(Operation operation, const at::Tensor& whole, const at::Tensor& part, int size) {
  TORCH_CHECK(whole.scalar_type() == part.scalar_type(), to_string(operation),
              ": types differ: ", whole.scalar_type(), " and ", part.scalar_type());
  TORCH_CHECK(whole.numel() == part.numel() * size, to_string(operation), ": the whole has ",
              whole.numel(), " elements and the part ", part.numel(), "; the whole needs ", size,
              " times the part (ranks)");
  const auto* whole_begin = static_cast<const char*>(whole.const_data_ptr());
  const auto* part_begin = static_cast<const char*>(part.const_data_ptr());
  TORCH_CHECK(whole.numel() == 0 || whole.is_meta() || whole_begin + whole.nbytes() <= part_begin ||
                  part_begin + part.nbytes() <= whole_begin,
              to_string(operation), ": input and output overlap");
}

void check_root(int root, int size) {
  TORCH_CHECK(root >= 0 && root < size, "broadcast: root ", root, " is not one of 0..", size - 1);
}

void check_peer(Operation operation, int peer, int rank, int size) {
  TORCH_CHECK(peer >= 0 && peer < size && peer != rank, to_string(operation), ": peer ", peer,
              " is not another rank of 0..", size - 1, " (this is rank ", rank, ")");
}

void check_tag(Operation operation, int tag) {
  TORCH_CHECK(tag >= 0 && tag <= kMostTag, to_string(operation), ": tag ", tag,
              " is not one of 0..", kMostTag);
}

void fail_tag(const std::string& backend, int expected, int came) {
  throw TagMismatch("[" + backend + "] message " + std::to_string(came) + " came where " +
                        std::to_string(expected) + " was expected",
                    came);
}

}  // namespace spillway::comm
