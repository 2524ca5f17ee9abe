#include "parallel/pipeline/search/repeat.hpp"

namespace spillway::pipeline {

Priorities repeat_unit(const JobShop& small, const Orders& orders, int unit, const JobShop& large) {
  OrderClock clock(small);
  clock.run(orders);
  const int first = (small.microbatches - unit) / 2, behind = first + unit;
  const int more = large.microbatches - small.microbatches;
  const auto start = [&](int kind, int microbatch) {
    return clock.end(static_cast<Kind>(kind), microbatch) -
           small.length[static_cast<std::size_t>(kind)];
  };
  double period = 0;  // of one micro-batch, the mean over the kinds
  for (int kind = 0; kind < small.kind_count(); ++kind) {
    period += (start(kind, behind) - start(kind, first)) / unit / small.kind_count();
  }
  Priorities priorities{
      .due = std::vector<double>(static_cast<std::size_t>(large.action_count())),
      .in_flight = std::vector<int>(static_cast<std::size_t>(large.stages), large.microbatches)};
  for (int kind = 0; kind < large.kind_count(); ++kind) {
    for (int j = 0; j < large.microbatches; ++j) {
      int like = j;
      if (j >= behind) like = j - more >= behind ? j - more : first + (j - first) % unit;
      priorities.due[large.cell(kind, j)] = start(kind, like) + (j - like) * period;
    }
  }
  return priorities;
}

}  // namespace spillway::pipeline
