#include "trainer/training_run.hpp"

#include <iostream>

#include "configs/compression_rules.hpp"
#include "configs/error.hpp"
#include "configs/load.hpp"
#include "parallel/pipeline/simulate.hpp"
#include "trainer/checkpoint/agreement.hpp"
#include "trainer/checkpoint/durable_file.hpp"
#include "trainer/observe/run_facts.hpp"
#include "trainer/peak_flops.hpp"
#include "trainer/step_statistics.hpp"
#include "trainer/timeline_spans.hpp"
#include "trainer/training_state.hpp"

namespace spillway::trainer {
namespace {

bool due(std::int64_t step, std::int64_t every) { return every > 0 && step % every == 0; }

std::string rounded(double value, int digits = 4) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

std::vector<std::string> names_of(const config::ModelConfig& model) {
  std::vector<std::string> names;
  for (const ParameterSpec& spec : parameter_specs(model)) names.push_back(spec.name);
  return names;
}

}  // namespace

TrainingRun::TrainingRun(const config::Config& config, PreparedLayout prepared, Ranks& ranks,
                         std::vector<std::string> command_line)
    : config_(config),
      ranks_(ranks),
      command_line_(std::move(command_line)),
      preparation_(std::move(prepared.events)),
      trainer_(config, std::move(prepared.layout), ranks),
      checkpoints_(config.run.dir) {
  const at::ScalarType type = activation_type(precision_mode(config.precision.mode));
  rates_ = {
      .world = ranks.control->size(),
      .training_flops_per_token = model_cost(trainer_.layout().model).training_flops_per_token(),
      .peak_flops = peak_flops(config.run.peak_flops, ranks.device, type),
      .parameters = names_of(trainer_.layout().model)};
}

int TrainingRun::run() {
  ranks_.log.works("looking for a checkpoint to continue from");
  resume();
  bool stopping = false;
  while (!stopping && trainer_.steps_done() < config_.run.steps) {
    const StepResult result = trainer_.step();
    ranks_.log.works("the record of step " + std::to_string(result.step));
    stopping = result.verdict.stop_requested;
    record(result);
    if (!result.verdict.keep()) note_skip(result);
    if (due(result.step, config_.run.evaluate_every) ||
        (result.step == config_.run.steps && config_.run.evaluate_every > 0))
      evaluate();
    if (due(result.step, config_.run.checkpoint_every) && result.step < config_.run.steps &&
        !stopping)
      save(false);
  }
  if (saved_step_ != trainer_.steps_done()) save(true);
  const bool finished = trainer_.steps_done() >= config_.run.steps;
  event({.name = finished ? "finish" : "stop",
         .step = trainer_.steps_done(),
         .message =
             finished ? "all " + std::to_string(config_.run.steps) + " steps done"
                      : "stopped on request after step " + std::to_string(trainer_.steps_done())});
  summarize();
  return finished ? 0 : kStoppedExitCode;
}

void TrainingRun::resume() {
  std::optional<std::filesystem::path> newest;
  std::vector<std::string> passed_over;
  if (config_.run.resume) {
    newest = checkpoints_.newest_valid(
        *ranks_.control, [&](const std::string& line) { passed_over.push_back(line); });
  }
  std::string restarted;
  if (newest) {
    const Checkpoint checkpoint(*newest);
    check_same_model(checkpoint, trainer_.layout().model);
    restarted = restore(checkpoint, trainer_, config_);
    saved_step_ = trainer_.steps_done();
  }
  announce(trainer_.steps_done());
  for (const std::string& line : passed_over) {
    event({.name = "checkpoint_passed_over",
           .step = trainer_.steps_done(),
           .message = line,
           .level = Level::warning});
  }
  if (newest) {
    event({.name = "resume",
           .step = trainer_.steps_done(),
           .message = "continues from " + newest->string()});
  }
  for (const std::string& rule : config::idle_rules(config_.compression, rates_.parameters)) {
    event({.name = "idle_rule",
           .step = trainer_.steps_done(),
           .message = "compression.rules: match = '" + rule + "' holds for no parameter",
           .level = Level::warning});
  }
  if (!restarted.empty()) {
    event({.name = "state_changed",
           .step = trainer_.steps_done(),
           .message = restarted,
           .level = Level::warning});
  }
}

void TrainingRun::announce(std::int64_t first_step) {
  config::Config resolved = config_;
  resolved.model = trainer_.layout().model;
  const parallel::ProcessGrid& grid = ranks_.grid;
  const std::int64_t parameters = model_cost(resolved.model).parameters;
  record_start(config_.run.dir, *ranks_.control,
               {.command_line = command_line_,
                .config_toml = config::to_toml(resolved),
                .first_step = first_step,
                .more = {{"stages", grid.stages()},
                         {"replicas", grid.replicas()},
                         {"backend", ranks_.world->backend()},
                         {"device", ranks_.device.str()},
                         {"parameters", parameters},
                         {"training_flops_per_token", rates_.training_flops_per_token},
                         {"peak_flops", rates_.peak_flops}}});
  if (!leads()) return;
  write_file_durably(std::filesystem::path(config_.run.dir) / "config.resolved.toml",
                     config::to_toml(resolved));
  const bool terminal = is_terminal();
  recorder_ = std::make_unique<Recorder>(RecorderOptions{.run_dir = config_.run.dir,
                                                         .first_step = first_step,
                                                         .total_steps = config_.run.steps,
                                                         .log_every = config_.run.log_every,
                                                         .terminal = terminal},
                                         std::cout);
  recorder_->say(resolved.model.family + " with " + rounded(static_cast<double>(parameters) / 1e6) +
                 " M parameters on " + std::to_string(rates_.world) +
                 " ranks: " + std::to_string(grid.stages()) + " stages x " +
                 std::to_string(grid.replicas()) + " replicas, " + config_.parallel.schedule +
                 ", " + config_.precision.mode + ", compression " + config_.compression.method +
                 ", " + ranks_.world->backend() + " on " + ranks_.device.str() + ", peak " +
                 rounded(rates_.peak_flops / 1e9) + " GFLOP/s a rank");
  for (Event& prepared : preparation_) {
    prepared.step = first_step;
    if (prepared.level == Level::info) recorder_->say(prepared.message);
    event(prepared);
  }
  event({.name = "start",
         .step = first_step,
         .message = "steps " + std::to_string(first_step + 1) + " to " +
                    std::to_string(config_.run.steps)});
}

void TrainingRun::record(const StepResult& result) {
  const pipeline::StepReport prediction = pipeline::report_step(
      ranks_.grid.pipeline(), trainer_.layout().lowered, result.timeline, ranks_.device);
  losses_.push_back(result.verdict.loss);
  step_seconds_.push_back(result.seconds);
  if (recorder_) recorder_->step(step_metrics(result, prediction, rates_, trainer_.tokens_seen()));
  if (due(result.step, config_.run.trace_every) ||
      (config_.run.trace_every > 0 && result.step == config_.run.steps))
    trace(result, prediction);
}

void TrainingRun::trace(const StepResult& result, const pipeline::StepReport& prediction) {
  std::vector<Span> spans =
      gather_spans(*ranks_.control, measured_spans(result, ranks_.control->rank()));
  if (!recorder_) return;
  const pipeline::Simulation simulation =
      pipeline::simulate(trainer_.layout().lowered, prediction.costs);
  for (Span& span : predicted_spans(simulation)) spans.push_back(std::move(span));
  recorder_->trace(result.step, spans);
}

void TrainingRun::note_skip(const StepResult& result) {
  event({.name = "step_skipped",
         .step = result.step,
         .message = "not finite: " + result.verdict.non_finite,
         .level = Level::warning});
  if (trainer_.skips_in_a_row() >= config_.precision.max_skips) {
    throw Error(ErrorKind::fault,
                "step " + std::to_string(result.step) + ": " +
                    std::to_string(trainer_.skips_in_a_row()) +
                    " non-finite steps in a row (precision.max_skips), last from " +
                    result.verdict.non_finite,
                ThrownBy::all_ranks);
  }
}

void TrainingRun::evaluate() {
  const double loss = trainer_.evaluate();
  event({.name = "evaluation",
         .step = trainer_.steps_done(),
         .message = "validation loss " + rounded(loss, 6),
         .fields = {{metric::kValidationLoss, loss}}});
  if (recorder_) {
    recorder_->say("step " + std::to_string(trainer_.steps_done()) + "  validation loss " +
                   rounded(loss, 6));
  }
}

void TrainingRun::save(bool last) {
  ranks_.log.works("the checkpoint of step " + std::to_string(trainer_.steps_done()));
  try {
    const SaveResult saved = checkpoints_.save(*ranks_.control, take_snapshot(trainer_, config_),
                                               config_.run.keep_checkpoints);
    saved_step_ = trainer_.steps_done();
    event({.name = "checkpoint_saved",
           .step = saved_step_,
           .message = saved.path.string() + ", " + rounded(static_cast<double>(saved.bytes) / 1e6) +
                      " MB in " + rounded(saved.seconds, 3) + " s",
           .fields = {
               {"path", saved.path.string()}, {"bytes", saved.bytes}, {"seconds", saved.seconds}}});
  } catch (const Error& error) {
    // All ranks throw the same complaint, so all of them go on or all of them end.
    event({.name = "checkpoint_failed",
           .step = trainer_.steps_done(),
           .message = error.what(),
           .level = Level::warning});
    if (last) throw;
  }
}

void TrainingRun::event(const Event& event) {
  if (recorder_) recorder_->event(event);
}

void TrainingRun::summarize() {
  if (!recorder_) return;
  recorder_->finish();
  if (losses_.empty()) {
    recorder_->say("nothing to do: " + std::to_string(trainer_.steps_done()) + " of " +
                   std::to_string(config_.run.steps) + " steps were done before");
    return;
  }
  recorder_->say("loss " + rounded(losses_.front()) + " -> " + rounded(losses_.back()) + " over " +
                 std::to_string(losses_.size()) + " steps, median step " +
                 rounded(1e3 * percentile(step_seconds_, 0.5)) + " ms; everything is in " +
                 config_.run.dir);
}

}  // namespace spillway::trainer
