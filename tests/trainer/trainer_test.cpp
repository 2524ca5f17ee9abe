// The training step under mpirun: what a non-finite value on one rank may and may not do.
#include "trainer/trainer.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <limits>

#include "configs/error.hpp"
#include "data/corpus/corpus_writer.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "trainer/calibrate.hpp"
#include "trainer/check_run.hpp"
#include "trainer/checkpoint/agreement.hpp"
#include "trainer/training_run.hpp"

namespace spillway::trainer {
namespace {

/// One folder for all ranks of the job: they share the parent.
std::filesystem::path scratch() {
  return std::filesystem::temp_directory_path() /
         ("spillway-trainer-test-" + std::to_string(getppid()));
}

void write_corpus(comm::Communicator& world) {
  if (world.rank() == 0) {
    data::CorpusWriter writer({.out = scratch() / "corpus", .replace = true});
    for (int i = 0; i < 300; ++i) {
      data::Sample sample;
      sample.bytes =
          "paragraph " + std::to_string(i * 7919 % 1000) + " says what the one before did not say.";
      writer.append(sample);
    }
    writer.seal();
  }
  world.barrier().wait();
}

config::Config small_run(int world) {
  config::Config config;
  config.model.layers = 2;
  config.model.hidden = 16;
  config.model.heads = 2;
  config.model.sequence_length = 24;
  config.parallel.stages = 2;
  config.parallel.microbatches = 3;
  config.parallel.microbatch_size = 1;
  config.compression.method = world > 2 ? "powersgd" : "none";
  config.compression.start_step = 1;
  config.data.corpus = (scratch() / "corpus").string();
  config.run.dir = (scratch() / "run").string();
  config.run.device = "cpu";
  config.run.peak_flops = "1e9";
  config.precision.max_skips = 2;
  return config;
}

/// Every number that a step may change on this rank.
std::vector<at::Tensor> everything(Trainer& trainer) {
  std::vector<at::Tensor> all;
  for (std::size_t i = 0; i < trainer.stages().size(); ++i) {
    all.push_back(trainer.stages()[i]->parameters().weights().clone());
    all.push_back(trainer.optimizers()[i]->exp_avg().clone());
    all.push_back(trainer.optimizers()[i]->exp_avg_sq().clone());
    all.push_back(at::full({1}, trainer.optimizers()[i]->steps_taken(), at::kLong));
  }
  for (const compression::NamedState& state : trainer.exchange().state())
    all.push_back(state.tensor.clone());
  return all;
}

bool same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!at::equal(a[i], b[i])) return false;
  }
  return true;
}

/// The first weight of this rank's last stage, to be spoilt and mended.
at::Tensor one_weight(Trainer& trainer) {
  return trainer.stages().back()->parameters().parameters().back().weight.view(-1).narrow(0, 0, 1);
}

class TrainerStep : public testing::Test {
 protected:
  TrainerStep() : world_(comm::launch_info().size), config_(small_run(world_)), ranks_(config_) {
    write_corpus(*ranks_.control);
  }
  ~TrainerStep() override {
    ranks_.control->barrier().wait();
    if (ranks_.control->rank() == 0) std::filesystem::remove_all(scratch());
  }

  int world_;
  config::Config config_;
  Ranks ranks_;
};

TEST_F(TrainerStep, NonFiniteOnOneRankChangesNothingAnywhereAndIsNamed) {
  Trainer trainer(config_, make_layout(config_), ranks_);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(trainer.step().verdict.keep());
  const bool culprit = ranks_.control->rank() == world_ - 1;  // last stage of the last replica
  float before = 0;
  if (culprit) {
    const at::NoGradGuard no_grad;
    before = one_weight(trainer).item<float>();
    one_weight(trainer).fill_(std::numeric_limits<float>::infinity());
  }
  const auto state = everything(trainer);
  const StepResult skipped = trainer.step();
  EXPECT_FALSE(skipped.verdict.keep());
  EXPECT_NE(skipped.verdict.non_finite.find("rank " + std::to_string(world_ - 1) + " (stage 1"),
            std::string::npos)
      << skipped.verdict.non_finite;
  EXPECT_TRUE(same(state, everything(trainer)));
  EXPECT_EQ(trainer.steps_done(), 4);
  EXPECT_EQ(trainer.skips_in_a_row(), 1);

  if (culprit) {
    const at::NoGradGuard no_grad;
    one_weight(trainer).fill_(before);
  }
  const StepResult next = trainer.step();
  EXPECT_TRUE(next.verdict.keep()) << next.verdict.non_finite;
  EXPECT_EQ(next.learning_rate, 4.0 / 20.0 * config_.optimizer.learning_rate)
      << "the schedule did not stand still";
  EXPECT_FALSE(same(state, everything(trainer)));
  EXPECT_EQ(trainer.skips_in_a_row(), 0);
}

TEST_F(TrainerStep, ARunEndsAfterTooManyNonFiniteStepsInARow) {
  config_.optimizer.learning_rate = 1e30;
  config_.optimizer.warmup_steps = 0;
  config_.optimizer.clip_norm = 0;
  config_.run.steps = 50;
  config_.run.evaluate_every = 0;
  check_run_folder(config_.run.dir, *ranks_.control);
  TrainingRun run(config_, {.layout = make_layout(config_)}, ranks_, {"test"});
  try {
    run.run();
    ADD_FAILURE() << "a learning rate of 1e30 trained on";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::fault);
    EXPECT_NE(std::string(error.what()).find("2 non-finite steps in a row (precision.max_skips)"),
              std::string::npos)
        << error.what();
  }
}

TEST_F(TrainerStep, ACalibrationIsTheSameOnAllRanksAndIsUsedAgainWhileItHolds) {
  config_.parallel.schedule = "auto";
  config_.parallel.recompute = "auto";
  config_.model.layers = 4;
  check_run_folder(config_.run.dir, *ranks_.control);
  const auto text_of = [&] {
    const CalibrationResult result = calibrate(config_, ranks_, config_.run.dir);
    for (const std::string& text : gather_text(*ranks_.control, to_text(result.calibration))) {
      EXPECT_EQ(text, to_text(result.calibration));
    }
    return std::pair(to_text(result.calibration), result.reused);
  };
  const auto [measured, fresh] = text_of();
  EXPECT_FALSE(fresh);
  const Calibration calibration = parse_calibration(measured, "measured");
  EXPECT_EQ(calibration.layouts.size(), 3 * 3);  // linear, loop and v; none, selective and full
  EXPECT_GT(calibration.hop_seconds, 0);
  for (const MeasuredLayout& layout : calibration.layouts) {
    for (const pipeline::StageCosts& stage : layout.stages) {
      EXPECT_GT(
          std::min({stage.forward, stage.backward, stage.backward_input, stage.backward_weight}),
          0);
      EXPECT_EQ(stage.recompute > 0, layout.recompute != Recompute::none);
    }
  }
  EXPECT_EQ(text_of(), std::pair(measured, true));
  config_.parallel.schedule = "1f1b";  // measured with the others
  EXPECT_EQ(text_of(), std::pair(measured, true));
  config_.model.hidden = 32;
  const auto [other, reused] = text_of();
  EXPECT_FALSE(reused);
  EXPECT_NE(other, measured);
}

TEST_F(TrainerStep, EvaluationChangesNothing) {
  Trainer trainer(config_, make_layout(config_), ranks_);
  trainer.step();
  const auto state = everything(trainer);
  const double first = trainer.evaluate();
  EXPECT_EQ(trainer.evaluate(), first);
  EXPECT_TRUE(std::isfinite(first));
  EXPECT_TRUE(same(state, everything(trainer)));
}

}  // namespace
}  // namespace spillway::trainer
