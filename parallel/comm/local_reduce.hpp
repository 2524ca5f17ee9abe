#pragma once

#include <vector>

#include "parallel/comm/transport.hpp"

namespace spillway::comm {

/// output[i] = parts[0][i] op parts[1][i] op ..., in this order; every part has output.count
/// elements of output.type. bfloat16 and float16 accumulate in float32 and are rounded once (to
/// nearest even). max of a NaN and anything is NaN. Integers wrap. The output may be one of the
/// parts.
void local_reduce(Buffer output, const std::vector<const std::byte*>& parts, ReduceOp op);

}  // namespace spillway::comm
