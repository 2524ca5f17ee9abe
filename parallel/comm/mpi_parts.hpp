#pragma once

#include <mpi.h>

#include <cstdint>
#include <vector>

#include "parallel/comm/mpi_handle.hpp"
#include "parallel/comm/transport.hpp"

namespace spillway::comm {

/// Collectives made of messages between each two ranks, of which each has its part of a tensor:
/// what MPI cannot do (add 16-bit floats) or does less well between hosts. Tensors travel in
/// messages of a size at which none waits for the receiver's consent; all are under way at once.
/// Collective over the handle's ranks, as with every call here.
class MpiParts {
 public:
  struct Options {
    std::int64_t message_bytes = 0;  ///< of the longest message; at least an element's
    Patience patience = {};          ///< of await()
  };

  /// `handle` must outlive this.
  MpiParts(const MpiHandle& handle, Options options);

  /// outgoing[r] goes to rank r and incoming[r] comes from it, but for the own rank's.
  void exchange(const std::vector<Buffer>& incoming, const std::vector<Buffer>& outgoing);
  /// Part r goes to rank r; what comes from all ranks is reduced into `output` in rank order. All
  /// parts are as long as `output`.
  void reduce_scatter(Buffer output, const std::vector<Buffer>& parts, ReduceOp op);
  /// Each rank reduces its part of `buffer` in rank order and gives it to all, message by message.
  void all_reduce(Buffer buffer, ReduceOp op);

 private:
  using Requests = std::vector<MPI_Request>;
  /// Of the messages with at most `elements` that a part is sent in, the one at `index`; fewer
  /// elements in the last, none behind it.
  struct Message {
    std::int64_t index = 0, elements = 1;
  };
  static Buffer message_of(const Buffer& part, Message which);

  void post(Requests& requests, const std::vector<Buffer>& incoming,
            const std::vector<Buffer>& outgoing, Message which);
  void await_all(Requests& requests);
  std::int64_t message_elements(at::ScalarType type) const;
  /// The others' parts have room in the scratch memory, the own one stays where it is.
  std::vector<Buffer> incoming_parts(const Buffer& own);

  const MpiHandle& handle_;
  Options options_;
  int rank_, size_;
  std::vector<std::byte> scratch_;
};

}  // namespace spillway::comm
