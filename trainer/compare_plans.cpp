#include "trainer/compare_plans.hpp"

#include <set>

#include "configs/error.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "trainer/run_plan.hpp"

namespace spillway::trainer {
namespace {

std::vector<std::string> names_to_try(const config::ParallelConfig& parallel) {
  std::vector<std::string> names = pipeline::schedule_names();
  if (parallel.schedule.starts_with("csv:")) names.push_back(parallel.schedule);
  names.emplace_back("auto");
  return names;
}

/// With one chunk a schedule that takes any would be a schedule of another name.
std::set<int> chunks_to_try(const std::string& name, int configured) {
  if (name == "auto") return {configured};
  std::set<int> chunks;
  for (const int wanted : {1, 2, 4, configured}) {
    try {
      chunks.insert(pipeline::chunks_of(name, wanted));
    } catch (const Error&) {
      continue;
    }
  }
  if (chunks.size() > 1) chunks.erase(1);
  return chunks;
}

pipeline::Prediction predict(const PlanRequest& request) {
  if (!request.costs) config::validate(request.config);
  return plan_run(request).prediction;
}

}  // namespace

std::vector<pipeline::Contender> compare_plans(const PlanRequest& request) {
  const config::ParallelConfig& parallel = request.config.parallel;
  const std::vector<Recompute> recomputes = recomputes_to_try(request);
  std::vector<pipeline::Proposal> proposals;
  for (const std::string& name : names_to_try(parallel)) {
    for (const int chunks : chunks_to_try(name, static_cast<int>(parallel.chunks))) {
      for (const Recompute recompute : recomputes) {
        PlanRequest one = request;
        one.config.parallel.schedule = name;
        one.config.parallel.chunks = chunks;
        one.config.parallel.recompute = to_string(recompute);
        proposals.push_back({name, [one] { return predict(one); },
                             recomputes.size() > 1 ? to_string(recompute) : ""});
      }
    }
  }
  return pipeline::compare(proposals, request.memory_cap);
}

}  // namespace spillway::trainer
