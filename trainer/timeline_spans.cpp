#include "trainer/timeline_spans.hpp"

#include <algorithm>
#include <cmath>

namespace spillway::trainer {
namespace {

const char* kind_of(pipeline::Op op) {
  switch (op) {
    case pipeline::Op::forward:
      return "forward";
    case pipeline::Op::recompute:
      return "recompute";
    case pipeline::Op::backward:
      return "backward";
    case pipeline::Op::backward_input:
      return "input";
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
  std::vector<double> starts;
  starts.reserve(result.reports.size());
  for (const RankReport& report : result.reports) starts.push_back(report.pipeline_start);
  return measured_spans(result.timeline, starts, result.seconds, rank);
}

std::vector<Span> measured_spans(const pipeline::Timeline& timeline,
                                 const std::vector<double>& starts, double seconds, int rank) {
  const double mine = starts[static_cast<std::size_t>(rank)];
  double first = mine;
  for (const double start : starts) {
    const bool same_clock = std::abs(start - starts.front()) < 2 * seconds;
    if (same_clock) first = std::min(first, start);
  }
  const bool own_clock = mine - first > 2 * seconds;
  std::vector<Span> spans;
  add_spans(timeline, rank, own_clock ? 0.0 : mine - first, Track::measured, spans);
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
