#include "trainer/precision/quantize.hpp"

#include <ATen/ATen.h>

namespace spillway::trainer {

at::Tensor round_to_bf16(const at::Tensor& values) { return values.to(at::kBFloat16); }

}  // namespace spillway::trainer
