#include "trainer/timeline_spans.hpp"

#include <algorithm>
#include <cmath>

namespace spillway::trainer {
namespace {

const char* kind_of(pipeline::Op op) {
  switch (op) {
    case pipeline::Op::forward:
      return "forward";
    case pipeline::Op::backward:
      return "backward";
    case pipeline::Op::backward_input:
      return "backward_input";
    case pipeline::Op::backward_weight:
      return "weight";
    case pipeline::Op::reduce_gradient:
      return "reduce";
    default:
      return "";
  }
}

void add_spans(const pipeline::Timeline& timeline, int rank, double offset, Track track,
               std::vector<Span>& spans) {
  for (const pipeline::TimedAction& timed : timeline) {
    const std::string kind = kind_of(timed.action.op);
    if (kind.empty()) continue;
    if (timed.waited > 0) {
      spans.push_back(
          {rank, "wait", offset + timed.start - timed.waited, offset + timed.start, "wait", track});
    }
    spans.push_back({rank, pipeline::to_string(timed.action), offset + timed.start,
                     offset + timed.end, kind, track});
  }
}

}  // namespace

std::vector<Span> measured_spans(const StepResult& result, int rank) {
  const double mine = result.reports[static_cast<std::size_t>(rank)].pipeline_start;
  double first = mine;
  for (const RankReport& report : result.reports) {
    const bool same_clock = std::abs(report.pipeline_start -
                                     result.reports.front().pipeline_start) < 2 * result.seconds;
    if (same_clock) first = std::min(first, report.pipeline_start);
  }
  const bool own_clock = mine - first > 2 * result.seconds;
  std::vector<Span> spans;
  add_spans(result.timeline, rank, own_clock ? 0.0 : mine - first, Track::measured, spans);
  return spans;
}

std::vector<Span> predicted_spans(const pipeline::Simulation& simulation) {
  std::vector<Span> spans;
  for (std::size_t rank = 0; rank < simulation.ranks.size(); ++rank) {
    add_spans(simulation.ranks[rank], static_cast<int>(rank), 0.0, Track::predicted, spans);
  }
  return spans;
}

}  // namespace spillway::trainer
