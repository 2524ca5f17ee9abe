#pragma once

#include <ATen/core/Tensor.h>

#include "parallel/comm/communicator.hpp"

namespace spillway::comm {

/// What every backend demands of its arguments; each throws c10::Error that names the operation,
/// the value and what would be valid. `device` is where the backend's tensors live.
void check_tensor(Operation operation, const at::Tensor& tensor, at::DeviceType device);
/// `whole` holds `size` times the elements of `part`, of the same type, and they do not overlap.
void check_parts(Operation operation, const at::Tensor& whole, const at::Tensor& part, int size);
/// Both have as many elements, a multiple of `size`, of the same type, and do not overlap.
void check_exchange(Operation operation, const at::Tensor& output, const at::Tensor& input,
                    int size);
/// 0 <= root < size.
void check_root(int root, int size);
/// 0 <= peer < size, and not the rank itself.
void check_peer(Operation operation, int peer, int rank, int size);
/// 0 <= tag <= kMostTag.
void check_tag(Operation operation, int tag);

/// Throws TagMismatch: "[mpi] message 12 came where 13 was expected".
[[noreturn]] void fail_tag(const std::string& backend, int expected, int came);

}  // namespace spillway::comm
