#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "parallel/pipeline/action.hpp"

namespace spillway::pipeline {

/// Which of the two neighbours a message goes to; ranks form a ring.
enum class Direction : std::uint8_t { next, previous };

/// The directed connection that carries a message. Messages on one route arrive in the order they
/// were sent; routes do not wait for each other. Between two ranks there are two routes each way
/// (next and previous): activations take next, gradients previous.
struct Route {
  int from = 0;
  int to = 0;
  Direction direction = Direction::next;
  auto operator<=>(const Route&) const = default;
};
std::string to_string(const Route& route);

/// Route of the message of a SEND or RECV under a placement (rank_of_stage of a schedule). nullopt
/// where the two stages are on one rank, on ranks that are not neighbours, or where there is no
/// such stage.
std::optional<Route> route_of(Action message, const std::vector<int>& rank_of_stage, int ranks);

/// True if both stages exist and stand on one rank: the tensor is handed over without a message.
bool is_local(int stage, int other_stage, const std::vector<int>& rank_of_stage);

}  // namespace spillway::pipeline
