#include "parallel/pipeline/placement.hpp"

#include <array>

#include "configs/error.hpp"

namespace spillway::pipeline {
namespace {

constexpr std::array kPlacements{Placement::linear, Placement::loop, Placement::v};
constexpr const char* kNames = "linear | loop | v";

bool allows(Placement placement, int chunks) {
  return (placement == Placement::linear) == (chunks == 1);
}

std::string stage_list(const std::vector<int>& ranks) {
  constexpr std::size_t kMost = 16;
  std::string text;
  for (std::size_t stage = 0; stage < std::min(ranks.size(), kMost); ++stage) {
    text += (stage > 0 ? " " : "") + std::to_string(ranks[stage]);
  }
  return text + (ranks.size() > kMost ? " ..." : "");
}

}  // namespace

std::string to_string(Placement placement) {
  switch (placement) {
    case Placement::linear:
      return "linear";
    case Placement::loop:
      return "loop";
    case Placement::v:
      return "v";
  }
  fail("no such placement");
}

Placement parse_placement(const std::string& what, const std::string& text) {
  for (const Placement placement : kPlacements) {
    if (text == to_string(placement)) return placement;
  }
  fail_choice(what, text, kNames);
}

std::vector<int> rank_of_stage(Placement placement, const ScheduleShape& shape) {
  if (!allows(placement, shape.chunks)) {
    fail_input("a placement " + to_string(placement) + " has " +
               (placement == Placement::linear ? "one chunk" : "two or more chunks") +
               " a rank, not " + std::to_string(shape.chunks));
  }
  std::vector<int> ranks;
  for (int chunk = 0; chunk < shape.chunks; ++chunk) {
    const bool up = placement == Placement::v && chunk % 2 == 1;
    for (int i = 0; i < shape.ranks; ++i) ranks.push_back(up ? shape.ranks - 1 - i : i);
  }
  return ranks;
}

void check_placement(const Schedule& compute, Placement wanted, const std::string& what) {
  const std::vector<int> ranks = rank_of_stage(compute);
  const int ranks_in_all = static_cast<int>(compute.ranks.size());
  const ScheduleShape shape{.ranks = ranks_in_all,
                            .chunks = static_cast<int>(ranks.size()) / std::max(ranks_in_all, 1)};
  const auto stands = [&](Placement placement) {
    return allows(placement, shape.chunks) && rank_of_stage(placement, shape) == ranks;
  };
  if (stands(wanted)) return;
  std::string valid;
  for (const Placement other : kPlacements) {
    if (!stands(other)) continue;
    valid += (valid.empty() ? "; valid: " : " | ") + to_string(other);
  }
  fail_input(what + " = " + to_string(wanted) + ": the schedule puts its stages on ranks " +
             stage_list(ranks) + valid);
}

}  // namespace spillway::pipeline
