#pragma once

#include <memory>
#include <vector>

#include "parallel/comm/communicator.hpp"

namespace spillway::comm {

/// A group of `size` ranks that are threads of this process, backend "threads"; element r is rank
/// r's communicator, to be used by one thread. CPU tensors, moved by memcpy; everything is reduced
/// in rank order (bfloat16 in float32, rounded once). Once a rank's communicator is gone,
/// operations of the others that need it fail instead of waiting for ever.
std::vector<std::unique_ptr<Communicator>> make_thread_group(int size);

}  // namespace spillway::comm
