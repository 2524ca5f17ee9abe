#include "parallel/comm/arguments.hpp"

#include <c10/util/Exception.h>

namespace spillway::comm {
namespace {

/// Meta tensors have no memory to share.
void check_apart(Operation operation, const at::Tensor& a, const at::Tensor& b) {
  if (a.numel() == 0 || b.numel() == 0 || a.is_meta()) return;
  const auto* a_begin = static_cast<const char*>(a.const_data_ptr());
  const auto* b_begin = static_cast<const char*>(b.const_data_ptr());
  TORCH_CHECK(a_begin + a.nbytes() <= b_begin || b_begin + b.nbytes() <= a_begin,
              to_string(operation), ": input and output overlap");
}

void check_types(Operation operation, const at::Tensor& a, const at::Tensor& b) {
  TORCH_CHECK(a.scalar_type() == b.scalar_type(), to_string(operation),
              ": types differ: ", a.scalar_type(), " and ", b.scalar_type());
}

}  // namespace

void check_tensor(Operation operation, const at::Tensor& tensor, at::DeviceType device) {
  TORCH_CHECK(tensor.defined(), to_string(operation), ": the tensor is undefined");
  TORCH_CHECK(tensor.device().type() == device, to_string(operation), ": the tensor is on ",
              tensor.device(), ", this communicator carries tensors on ", device);
  TORCH_CHECK(tensor.is_contiguous(), to_string(operation), ": the tensor of shape ",
              tensor.sizes(), " and strides ", tensor.strides(), " is not contiguous");
  switch (tensor.scalar_type()) {
    case at::kFloat:
    case at::kBFloat16:
    case at::kHalf:
    case at::kInt:
    case at::kLong:
    case at::kByte:
      return;
    default:
      TORCH_CHECK(false, to_string(operation), ": type ", tensor.scalar_type(),
                  " is not one of Float, BFloat16, Half, Int, Long, Byte");
  }
}

void check_parts(Operation operation, const at::Tensor& whole, const at::Tensor& part, int size) {
  check_types(operation, whole, part);
  TORCH_CHECK(whole.numel() == part.numel() * size, to_string(operation), ": the whole has ",
              whole.numel(), " elements and the part ", part.numel(), "; the whole needs ", size,
              " times the part (ranks)");
  check_apart(operation, whole, part);
}

void check_exchange(Operation operation, const at::Tensor& output, const at::Tensor& input,
                    int size) {
  check_types(operation, output, input);
  TORCH_CHECK(output.numel() == input.numel(), to_string(operation), ": the output has ",
              output.numel(), " elements and the input ", input.numel());
  TORCH_CHECK(input.numel() % size == 0, to_string(operation), ": ", input.numel(),
              " elements do not make ", size, " equal parts (ranks)");
  check_apart(operation, output, input);
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
