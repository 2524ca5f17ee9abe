#pragma once

#include <vector>

#include "parallel/pipeline/edges.hpp"
#include "parallel/pipeline/execute.hpp"
#include "parallel/pipeline/paced_stage.hpp"
#include "trainer/observe/metrics.hpp"
#include "trainer/observe/trace.hpp"
#include "trainer/ranks.hpp"

namespace spillway::trainer {

/// One rank's step of a rehearsal. Seconds; `start` since 1970, by the clock of its host.
struct RehearsedRank {
  double start = 0;
  double span = 0;
  double busy = 0;
};

struct RehearsedStep {
  pipeline::Timeline timeline;       ///< this rank's
  std::vector<RehearsedRank> ranks;  ///< of the world
  /// The slowest rank's time from its own start, behind a barrier, to its end.
  double makespan() const;
};

/// A schedule and its messages, with paced compute. Collective over all ranks.
class Rehearsal {
 public:
  /// `costs`: seconds of each stage's actions, and what a message is predicted to cost; all ranks
  /// the same. CPU tensors of costs.edge_bytes travel.
  Rehearsal(Ranks& ranks, const pipeline::Schedule& lowered, const pipeline::Costs& costs);

  RehearsedStep step();

  const pipeline::Simulation& predicted() const { return predicted_; }
  /// What a step took beside what was predicted, under the names of a training run.
  StepMetrics metrics(std::int64_t number, const RehearsedStep& step) const;
  /// Both timelines, of all ranks; on rank 0, nothing on the others.
  std::vector<Span> spans(const RehearsedStep& step) const;

 private:
  std::vector<RehearsedRank> gather(double start, double span, double busy) const;

  Ranks& ranks_;
  const pipeline::Schedule& lowered_;
  pipeline::Edges edges_;
  pipeline::Simulation predicted_;
  std::vector<std::unique_ptr<pipeline::PacedStage>> owned_;
  pipeline::LocalStages stages_;
};

/// What all steps say together.
struct RehearsalSummary {
  std::vector<double> makespans = {};
  double makespan = 0;  ///< median
  double predicted = 0;
  // By rank of the first replica.
  std::vector<double> idle = {};  ///< medians
  std::vector<double> predicted_idle = {};
  std::vector<double> peak_activations = {};  ///< as predicted
  /// Of the prediction: 0.02 where the measured makespan is 2 % longer.
  double error() const { return makespan / predicted - 1; }
};
RehearsalSummary summarize(const std::vector<RehearsedStep>& steps,
                           const pipeline::Simulation& predicted);

}  // namespace spillway::trainer
