#pragma once

#include <string>

namespace spillway::trainer {

/// Why bfloat16 is slow on this CPU; empty where it is fast. LibTorch's bfloat16 GEMMs use vectors
/// only with AVX-512 (F, BW, VL, DQ); without, they were reported 44 to 500 times slower than
/// float32 (pytorch#146508). Results are the same.
std::string slow_bf16_reason();

}  // namespace spillway::trainer
