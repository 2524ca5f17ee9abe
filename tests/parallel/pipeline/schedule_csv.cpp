// The schedules of this build from outside, for comparison with other implementations:
//   schedule_csv write NAME RANKS MICROBATCHES           prints the schedule as CSV
//   schedule_csv read FILE RANKS CHUNKS MICROBATCHES     validates it; prints makespan and peak
//   activations by rank at F = I = W = 1 per rank, then its actions, one line a rank
#include <iostream>

#include "parallel/pipeline/csv.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "parallel/pipeline/simulate.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace {

using namespace spillway::pipeline;

void write(const std::string& name, int ranks, int microbatches) {
  std::cout << to_csv(make_schedule(name, {.ranks = ranks, .microbatches = microbatches}));
}

void read(const std::string& file, const ScheduleShape& shape) {
  const Schedule schedule = make_schedule("csv:" + file, shape);
  const double part = 1.0 / shape.chunks;
  const Simulation simulation =
      simulate(lower(schedule), uniform_costs(shape.stages(), part, part, part));
  std::cout << simulation.makespan;
  for (const double peak : simulation.peak_activations) std::cout << ' ' << peak;
  std::cout << '\n' << to_text(schedule);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 4 && words[0] == "write") {
      write(words[1], std::stoi(words[2]), std::stoi(words[3]));
    } else if (words.size() == 5 && words[0] == "read") {
      read(words[1], {std::stoi(words[2]), std::stoi(words[3]), std::stoi(words[4])});
    } else {
      std::cerr << "usage: schedule_csv write NAME RANKS MICROBATCHES | read FILE RANKS CHUNKS "
                   "MICROBATCHES\n";
      return 2;
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
