#include "trainer/precision/hardware.hpp"

namespace spillway::trainer {

std::string slow_bf16_reason() {
#if defined(__x86_64__)
  const bool fast = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (!fast)
    return "this CPU has no AVX-512 (F, BW, VL, DQ), so bfloat16 GEMMs run without vectors";
#endif
  return "";
}

}  // namespace spillway::trainer
