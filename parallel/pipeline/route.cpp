#include "parallel/pipeline/route.hpp"

namespace spillway::pipeline {
namespace {

int owner(int stage, const std::vector<int>& rank_of_stage) {
  const bool exists = stage >= 0 && stage < static_cast<int>(rank_of_stage.size());
  return exists ? rank_of_stage[static_cast<std::size_t>(stage)] : -1;
}

}  // namespace

std::string to_string(const Route& route) {
  return "rank " + std::to_string(route.from) + " -> rank " + std::to_string(route.to);
}

std::optional<Route> route_of(Action message, const std::vector<int>& rank_of_stage, int ranks) {
  const Action send = is_send(message.op) ? message : counterpart(message);
  const int from = owner(send.stage, rank_of_stage);
  const int to = owner(counterpart(send).stage, rank_of_stage);
  if (from < 0 || to < 0 || from == to) return std::nullopt;
  const bool to_next = to == (from + 1) % ranks;
  const bool to_previous = from == (to + 1) % ranks;
  if (!to_next && !to_previous) return std::nullopt;
  const bool forward = send.op == Op::send_forward;
  const bool next = to_next && to_previous ? forward : to_next;
  return Route{from, to, next ? Direction::next : Direction::previous};
}

bool is_local(int stage, int other_stage, const std::vector<int>& rank_of_stage) {
  const int rank = owner(stage, rank_of_stage);
  return rank >= 0 && rank == owner(other_stage, rank_of_stage);
}

}  // namespace spillway::pipeline
