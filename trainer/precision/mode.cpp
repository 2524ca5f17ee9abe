#include "trainer/precision/mode.hpp"

#include "configs/error.hpp"

namespace spillway::trainer {

PrecisionMode precision_mode(const std::string& name) {
  if (name == "fp32") return PrecisionMode::fp32;
  if (name == "bf16-amp") return PrecisionMode::bf16_amp;
  if (name == "bf16-qat") return PrecisionMode::bf16_qat;
  fail_choice("precision.mode", name, "fp32 | bf16-amp | bf16-qat");
}

c10::ScalarType edge_type(const std::string& edge_dtype, PrecisionMode mode) {
  if (edge_dtype == "auto") return activation_type(mode);
  if (edge_dtype == "bf16") return c10::ScalarType::BFloat16;
  if (edge_dtype == "fp32") return c10::ScalarType::Float;
  fail_choice("parallel.edge_dtype", edge_dtype, "auto | bf16 | fp32");
}

}  // namespace spillway::trainer
