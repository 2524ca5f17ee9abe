#include "trainer/precision/mode.hpp"

#include "configs/error.hpp"

namespace spillway::trainer {

PrecisionMode precision_mode(const std::string& name) {
  if (name == "fp32") return PrecisionMode::fp32;
  if (name == "bf16-amp") return PrecisionMode::bf16_amp;
  if (name == "bf16-qat") return PrecisionMode::bf16_qat;
  fail_choice("precision.mode", name, "fp32 | bf16-amp | bf16-qat");
}

}  // namespace spillway::trainer
