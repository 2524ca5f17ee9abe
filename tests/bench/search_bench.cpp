// Quality and speed of the schedule search on the proved optima of
// tests/parallel/pipeline/schedule_optima.csv, one thread, processor time, without seeds. One JSON
// line for each instance (with --each), and one for all: gaps over the optimum in percent.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "parallel/pipeline/placement.hpp"
#include "parallel/pipeline/search/search.hpp"
#include "tests/bench/thread_seconds.hpp"
#include "tests/parallel/pipeline/optima.hpp"

namespace {

using namespace spillway::pipeline;

SearchProblem problem_of(const Row& row) {
  const ScheduleShape shape{.ranks = std::stoi(row.at("ranks")),
                            .chunks = std::stoi(row.at("chunks")),
                            .microbatches = std::stoi(row.at("microbatches"))};
  const Placement placement = parse_placement("placement", row.at("placement"));
  return {.rank_of_stage = rank_of_stage(placement, shape),
          .ranks = shape.ranks,
          .microbatches = shape.microbatches,
          .costs = costs_of(row),
          .memory_cap =
              std::vector<double>(static_cast<std::size_t>(shape.ranks), std::stod(row.at("cap")))};
}

}  // namespace

int main(int argc, char** argv) {
  const bool each = argc > 1 && std::strcmp(argv[1], "--each") == 0;
  double gaps = 0, worst = 0, seconds = 0, slowest = 0;
  const auto rows = read_rows();
  for (const Row& row : rows) {
    const SearchProblem problem = problem_of(row);
    const double start = spillway::bench::thread_seconds();
    const SearchResult result = search_schedule(problem, {});
    const double took = spillway::bench::thread_seconds() - start;
    const double gap = 100 * (result.makespan / std::stod(row.at("optimum")) - 1);
    gaps += gap;
    worst = std::max(worst, gap);
    seconds += took;
    slowest = std::max(slowest, took);
    if (!each) continue;
    std::printf("{\"id\": \"%s\", \"makespan\": %.4f, \"gap\": %.3f, \"seconds\": %.3f}\n",
                row.at("id").c_str(), result.makespan, gap, took);
  }
  const auto count = static_cast<double>(rows.size());
  std::printf(
      "{\"bench\": \"search\", \"instances\": %zu, \"mean_gap\": %.4f, \"worst_gap\": %.3f, "
      "\"mean_seconds\": %.3f, \"slowest_seconds\": %.3f}\n",
      rows.size(), gaps / count, worst, seconds / count, slowest);
}
