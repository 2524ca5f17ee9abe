#pragma once

#include <string>
#include <vector>

#include "parallel/comm/communicator.hpp"

namespace spillway::trainer {

/// Short texts between ranks, for decisions that all ranks must take alike. Collective over
/// `group`, which carries CPU tensors.

/// What every rank says, in rank order.
std::vector<std::string> gather_text(comm::Communicator& group, const std::string& mine);

/// Rank `root`'s text, on every rank.
std::string broadcast_text(comm::Communicator& group, const std::string& mine, int root = 0);

/// Throws the same Error(fault) on every rank when any rank gives a non-empty complaint: "WHAT:
/// rank 2: COMPLAINT; rank 5: ...".
void agree(comm::Communicator& group, const std::string& what, const std::string& complaint);

}  // namespace spillway::trainer
