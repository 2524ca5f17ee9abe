// The schedules of this build from outside, for comparison with other implementations. NAME is that
// of parallel.schedule, csv:FILE included:
//   schedule_csv write NAME RANKS CHUNKS MICROBATCHES      prints the schedule as CSV
//   schedule_csv measure NAME RANKS CHUNKS MICROBATCHES    prints makespan and peak activations by
//   rank at F = I = W = 1 per rank
#include <iostream>

#include "parallel/pipeline/csv.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "parallel/pipeline/simulate.hpp"

namespace {

using namespace spillway::pipeline;

void measure(const Schedule& schedule) {
  const int stages = count_stages(schedule);
  const double part = static_cast<double>(schedule.ranks.size()) / stages;
  const Simulation simulation = simulate(lower(schedule), uniform_costs(stages, part, part, part));
  std::cout << simulation.makespan;
  for (const double peak : simulation.peak_activations) std::cout << ' ' << peak;
  std::cout << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool measures = !words.empty() && words[0] == "measure";
  try {
    if (words.size() != 5 || (!measures && words[0] != "write")) {
      std::cerr << "usage: schedule_csv write | measure NAME RANKS CHUNKS MICROBATCHES\n";
      return 2;
    }
    const Schedule schedule = make_schedule(words[1], {.ranks = std::stoi(words[2]),
                                                       .chunks = std::stoi(words[3]),
                                                       .microbatches = std::stoi(words[4])});
    measures ? measure(schedule) : void(std::cout << to_csv(schedule));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
