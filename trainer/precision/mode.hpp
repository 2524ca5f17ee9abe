#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>

namespace spillway::trainer {

/// Number formats of a run (precision.mode). Master weights, gradient accumulators and optimizer
/// state are float32 in every mode.
enum class PrecisionMode : std::uint8_t {
  fp32,      ///< everything float32
  bf16_amp,  ///< the baseline: activations and the weights of GEMMs are bfloat16, as LibTorch's
             ///< autocast picks them; norms and lookups read the float32 masters
  bf16_qat,  ///< bfloat16 weights and activations, rounded to nearest even, straight-through
             ///< gradients
};

/// Throws Error(input) proposing the nearest name.
PrecisionMode precision_mode(const std::string& name);

/// Type of the activations from layer to layer, and of their gradients.
inline c10::ScalarType activation_type(PrecisionMode mode) {
  return mode == PrecisionMode::fp32 ? c10::ScalarType::Float : c10::ScalarType::BFloat16;
}

/// Type in which they cross from stage to stage, as parallel.edge_dtype names it: "auto" is
/// activation_type(mode). Throws Error(input) proposing the nearest name.
c10::ScalarType edge_type(const std::string& edge_dtype, PrecisionMode mode);

}  // namespace spillway::trainer
