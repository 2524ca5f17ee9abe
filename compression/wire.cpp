#include "compression/wire.hpp"

#include "configs/error.hpp"

namespace spillway::compression {
namespace {

at::ScalarType scalar_type(const std::string& format) {
  if (format == "fp32") return at::kFloat;
  if (format == "bf16") return at::kBFloat16;
  if (format == "fp16") return at::kHalf;
  fail_choice("wire format", format, "fp32 | bf16 | fp16");
}

}  // namespace

Wire::Wire(comm::Communicator& replicas, const std::string& format, Meter& meter)
    : replicas_(replicas), format_(scalar_type(format)), meter_(meter) {}

void Wire::sum(at::Tensor& tensor) {
  if (format_ == at::kFloat) {
    all_reduce(tensor);
    return;
  }
  at::Tensor payload;
  {
    const Meter::Timer timer(meter_, &ExchangeStatistics::compress_seconds);
    payload = tensor.to(format_);
  }
  all_reduce(payload);
  const Meter::Timer timer(meter_, &ExchangeStatistics::decompress_seconds);
  tensor.copy_(payload);
}

at::Tensor Wire::as_sent(const at::Tensor& tensor) const {
  return format_ == at::kFloat ? tensor : tensor.to(format_).to(at::kFloat);
}

void Wire::all_gather(const at::Tensor& output, const at::Tensor& input) {
  carry(input, [&] { return replicas_.all_gather(output, input); });
}

void Wire::all_to_all(const at::Tensor& output, const at::Tensor& input) {
  carry(input, [&] { return replicas_.all_to_all(output, input); });
}

void Wire::all_reduce(const at::Tensor& payload) {
  carry(payload, [&] { return replicas_.all_reduce(payload); });
}

template <class Collective>
void Wire::carry(const at::Tensor& payload, const Collective& start) {
  const Meter::Timer timer(meter_, &ExchangeStatistics::wire_seconds);
  const double before = replicas_.traffic().total().wire_bytes;
  start().wait();
  meter_.count_sent(static_cast<std::int64_t>(payload.nbytes()));
  meter_.count_wire(replicas_.traffic().total().wire_bytes - before);
}

}  // namespace spillway::compression
