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
  const at::Tensor payload = scratch_.get(0, tensor.numel(), tensor.options().dtype(format_));
  {
    const Meter::Timer timer(meter_, &ExchangeStatistics::compress_seconds);
    payload.copy_(tensor.view(-1));
  }
  all_reduce(payload);
  const Meter::Timer timer(meter_, &ExchangeStatistics::decompress_seconds);
  tensor.view(-1).copy_(payload);
}

at::Tensor Wire::as_sent(const at::Tensor& tensor) {
  if (format_ == at::kFloat) return tensor;
  const at::Tensor rounded = scratch_.get(0, tensor.numel(), tensor.options().dtype(format_));
  const at::Tensor wide = scratch_.get(1, tensor.numel(), tensor.options());
  return wide.copy_(rounded.copy_(tensor.reshape(-1))).view_as(tensor);
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
