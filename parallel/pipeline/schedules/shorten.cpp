#include "parallel/pipeline/schedules/shorten.hpp"

namespace spillway::pipeline {

Schedule first_microbatches(const Schedule& compute, int microbatches) {
  const auto stays = [&](const Action& action) { return action.microbatch < microbatches; };
  Schedule shorter;
  for (const auto& actions : compute.ranks) {
    auto& kept = shorter.ranks.emplace_back();
    for (std::size_t i = 0; i < actions.size(); ++i) {
      if (!stays(actions[i])) continue;
      kept.push_back(actions[i]);
      if (compute.overlapped.contains(actions[i]) && stays(actions[i + 1])) {
        shorter.overlapped.insert(actions[i]);
      }
    }
  }
  return shorter;
}

}  // namespace spillway::pipeline
