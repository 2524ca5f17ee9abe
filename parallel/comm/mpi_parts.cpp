#include "parallel/comm/mpi_parts.hpp"

#include <algorithm>

#include "parallel/comm/communicator.hpp"
#include "parallel/comm/local_reduce.hpp"
#include "parallel/comm/mpi_datatype.hpp"

namespace spillway::comm {
namespace {

/// MPI's tags are at least up to 32767.
constexpr int kPartsTag = kMostTag + 1;

std::vector<const std::byte*> addresses(const std::vector<Buffer>& parts, std::int64_t offset) {
  std::vector<const std::byte*> all;
  all.reserve(parts.size());
  for (const Buffer& part : parts) all.push_back(part.data + offset);
  return all;
}

std::int64_t messages_of(const std::vector<Buffer>& parts, std::int64_t elements) {
  std::int64_t most = 0;
  for (const Buffer& part : parts) most = std::max(most, (part.count + elements - 1) / elements);
  return most;
}

}  // namespace

Buffer MpiParts::message_of(const Buffer& part, Message which) {
  const std::int64_t first = std::min(which.index * which.elements, part.count);
  return part.part(first, std::min(which.elements, part.count - first));
}

MpiParts::MpiParts(const MpiHandle& handle, Options options)
    : handle_(handle), options_(options), rank_(handle.rank()), size_(handle.size()) {}

void MpiParts::exchange(const std::vector<Buffer>& incoming, const std::vector<Buffer>& outgoing) {
  const std::int64_t elements = message_elements(outgoing.front().type);
  const std::int64_t messages =
      std::max(messages_of(incoming, elements), messages_of(outgoing, elements));
  Requests requests;
  for (std::int64_t i = 0; i < messages; ++i) post(requests, incoming, outgoing, {i, elements});
  await_all(requests);
}

void MpiParts::reduce_scatter(Buffer output, const std::vector<Buffer>& parts, ReduceOp op) {
  const std::vector<Buffer> incoming = incoming_parts(parts[static_cast<std::size_t>(rank_)]);
  exchange(incoming, parts);
  local_reduce(output, addresses(incoming, 0), op);
}

void MpiParts::all_reduce(Buffer buffer, ReduceOp op) {
  std::vector<Buffer> parts;
  parts.reserve(static_cast<std::size_t>(size_));
  for (int rank = 0; rank < size_; ++rank) {
    const std::int64_t start = buffer.count * rank / size_, end = buffer.count * (rank + 1) / size_;
    parts.push_back(buffer.part(start, end - start));
  }
  const Buffer own = parts[static_cast<std::size_t>(rank_)];
  const std::vector<Buffer> incoming = incoming_parts(own);
  const std::int64_t elements = message_elements(buffer.type),
                     messages = messages_of(parts, elements);
  std::vector<Requests> addends(static_cast<std::size_t>(messages));
  for (std::int64_t i = 0; i < messages; ++i)
    post(addends[static_cast<std::size_t>(i)], incoming, parts, {i, elements});
  Requests results;
  const std::vector<Buffer> outgoing(static_cast<std::size_t>(size_), own);
  for (std::int64_t i = 0; i < messages; ++i) {
    await_all(addends[static_cast<std::size_t>(i)]);
    const std::int64_t offset = i * elements * buffer.element_bytes();
    local_reduce(message_of(own, {i, elements}), addresses(incoming, offset), op);
    post(results, parts, outgoing, {i, elements});
  }
  await_all(results);
}

void MpiParts::post(Requests& requests, const std::vector<Buffer>& incoming,
                    const std::vector<Buffer>& outgoing, Message which) {
  for (int rank = 0; rank < size_; ++rank) {
    if (rank == rank_) continue;
    const Buffer in = message_of(incoming[static_cast<std::size_t>(rank)], which),
                 out = message_of(outgoing[static_cast<std::size_t>(rank)], which);
    if (in.count > 0) {
      check_mpi(MPI_Irecv(in.data, static_cast<int>(in.count), mpi_datatype(in.type), rank,
                          kPartsTag, handle_.get(), &requests.emplace_back(MPI_REQUEST_NULL)),
                "MPI_Irecv");
    }
    if (out.count > 0) {
      check_mpi(MPI_Isend(out.data, static_cast<int>(out.count), mpi_datatype(out.type), rank,
                          kPartsTag, handle_.get(), &requests.emplace_back(MPI_REQUEST_NULL)),
                "MPI_Isend");
    }
  }
}

void MpiParts::await_all(Requests& requests) {
  for (MPI_Request& request : requests)
    await(request, "exchange of parts", MPI_STATUS_IGNORE, options_.patience);
}

std::int64_t MpiParts::message_elements(at::ScalarType type) const {
  return std::max<std::int64_t>(
      1, options_.message_bytes / static_cast<std::int64_t>(c10::elementSize(type)));
}

std::vector<Buffer> MpiParts::incoming_parts(const Buffer& own) {
  scratch_.resize(static_cast<std::size_t>(own.bytes() * size_));
  std::vector<Buffer> incoming;
  incoming.reserve(static_cast<std::size_t>(size_));
  for (int rank = 0; rank < size_; ++rank) {
    incoming.push_back(
        rank == rank_ ? own : Buffer{scratch_.data() + rank * own.bytes(), own.count, own.type});
  }
  return incoming;
}

}  // namespace spillway::comm
