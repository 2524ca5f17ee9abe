#include "compression/wire.hpp"

#include "configs/error.hpp"

namespace spillway::compression {
namespace {

at::ScalarType scalar_type(const std::string& format) {
  if (format == "fp32") return at::kFloat;
  if (format == "bf16") return at::kBFloat16;
  fail_choice("compression.wire", format, "fp32 | bf16");
}

}  // namespace

Wire::Wire(comm::Communicator& replicas, const std::string& format, Meter& meter)
    : replicas_(replicas), format_(scalar_type(format)), meter_(meter) {}

void Wire::sum(at::Tensor& tensor) {
  if (format_ == at::kFloat) {
    send(tensor);
    return;
  }
  at::Tensor payload;
  {
    const Meter::Timer timer(meter_, &ExchangeStatistics::compress_seconds);
    payload = tensor.to(format_);
  }
  send(payload);
  const Meter::Timer timer(meter_, &ExchangeStatistics::decompress_seconds);
  tensor.copy_(payload);
}

at::Tensor Wire::as_sent(const at::Tensor& tensor) const {
  return format_ == at::kFloat ? tensor : tensor.to(format_).to(at::kFloat);
}

void Wire::send(const at::Tensor& payload) {
  const Meter::Timer timer(meter_, &ExchangeStatistics::wire_seconds);
  meter_.count_sent(static_cast<std::int64_t>(payload.nbytes()));
  replicas_.all_reduce(payload).wait();
}

}  // namespace spillway::compression
