#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "configs/schema.hpp"
#include "trainer/checkpoint/checkpoint_store.hpp"
#include "trainer/observe/recorder.hpp"
#include "trainer/prepare_layout.hpp"
#include "trainer/ranks.hpp"
#include "trainer/step_metrics.hpp"
#include "trainer/stop_request.hpp"
#include "trainer/trainer.hpp"

namespace spillway::trainer {

/// A run of `spillway train`: resumes, steps, records, evaluates, saves. All ranks construct it and
/// call run() together.
class TrainingRun {
 public:
  /// `command_line` goes into run.json.
  TrainingRun(const config::Config& config, PreparedLayout prepared, Ranks& ranks,
              std::vector<std::string> command_line);

  /// To run.steps, or to a request to stop. Returns 0, or 85 when it stopped on request with a
  /// checkpoint saved. Throws Error(fault) after precision.max_skips non-finite steps in a row, or
  /// if the last checkpoint cannot be saved.
  int run();

 private:
  bool leads() const { return ranks_.control->rank() == 0; }
  void resume();
  void announce(std::int64_t first_step);
  void record(const StepResult& result);
  void trace(const StepResult& result, const pipeline::StepReport& prediction);
  void note_skip(const StepResult& result);
  void evaluate();
  /// Every checkpoint but the last may fail: the run goes on with a warning, and the older ones
  /// stand.
  void save(bool last);
  void event(const Event& event);
  void summarize();

  const config::Config& config_;
  Ranks& ranks_;
  std::vector<std::string> command_line_;
  std::vector<Event> preparation_;  ///< how the layout was chosen
  StopRequest stop_request_;
  Trainer trainer_;
  CheckpointStore checkpoints_;
  RunRates rates_;
  std::unique_ptr<Recorder> recorder_;  ///< rank 0 only
  std::int64_t saved_step_ = -1;
  std::vector<double> losses_, step_seconds_;  ///< since this start, for the closing summary
};

}  // namespace spillway::trainer
