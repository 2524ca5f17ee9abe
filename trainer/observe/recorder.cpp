#include "trainer/observe/recorder.hpp"

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

std::filesystem::path made(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail("make folder " + folder.string() + ": " + error.message());
  return folder;
}

std::optional<std::int64_t> resume_step(std::int64_t first_step) {
  if (first_step == 0) return std::nullopt;
  return first_step + 1;
}

}  // namespace

Recorder::Recorder(const RecorderOptions& options, std::ostream& out)
    : options_(options),
      console_(out, options.terminal),
      metrics_(made(options.run_dir)),
      events_(options.run_dir),
      tensorboard_(options.run_dir, resume_step(options.first_step)) {}

template <class Action>
void Recorder::attempt(Action&& action) {
  try {
    action();
    losing_ = false;
  } catch (const std::exception& error) {
    ++lost_writes_;
    if (!losing_) console_.line(std::string("warning: not recorded: ") + error.what());
    losing_ = true;
  }
}

void Recorder::step(const StepMetrics& metrics) {
  const double now = unix_seconds();
  attempt([&] {
    metrics_.write(metrics, now);
    tensorboard_.write(metrics, now);
  });
  const std::int64_t done = metrics.step();
  if (done % options_.log_every == 0 || done == options_.total_steps ||
      metrics.find(metric::kSkipped).value_or(0) > 0) {
    console_.line(step_line(metrics));
  }
  console_.progress(done, options_.total_steps);
}

void Recorder::event(const Event& event) {
  if (event.level != Level::info) {
    console_.line(std::string(to_string(event.level)) + ": " + event.message);
  }
  attempt([&] { events_.write(event, unix_seconds()); });
}

void Recorder::trace(std::int64_t step, const std::vector<Span>& spans) {
  attempt([&] { write_trace(options_.run_dir, step, spans); });
}

}  // namespace spillway::trainer
