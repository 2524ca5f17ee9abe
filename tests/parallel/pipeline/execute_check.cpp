#include "tests/parallel/pipeline/execute_check.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>

#include "parallel/pipeline/execute.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/forward_only.hpp"
#include "parallel/pipeline/simulate.hpp"
#include "tests/parallel/pipeline/toy_stage.hpp"

namespace spillway::pipeline {
namespace {

/// The whole model in one piece, run without any schedule.
struct Reference {
  explicit Reference(int microbatches, std::int64_t scale)
      : model(0, kToyLayers, microbatches, scale, held) {
    for (int m = 0; m < microbatches; ++m) {
      model.forward(m, {});
      model.backward(m, {});
    }
  }
  Held held;
  ToyStage model;
};

/// One rank's stages of a schedule.
class Pipeline {
 public:
  Pipeline(comm::Communicator& world, const Schedule& compute, std::int64_t scale)
      : grid_(world,
              parallel::grid_shape(world.size(), static_cast<std::int64_t>(compute.ranks.size()))),
        placement_(rank_of_stage(compute)),
        edges_(grid_, placement_),
        microbatches_(count_microbatches(compute)) {
    const int stages = static_cast<int>(placement_.size());
    for (int stage = 0; stage < stages; ++stage) {
      if (placement_[static_cast<std::size_t>(stage)] != grid_.stage()) continue;
      const ToySlice slice = toy_slice(stage, stages);
      owned_[stage] =
          std::make_unique<ToyStage>(slice.first, slice.last, microbatches_, scale, held_);
      stages_[stage] = owned_[stage].get();
    }
  }

  Timeline run(const Schedule& lowered) {
    announced_.clear();
    return execute(lowered, stages_, edges_, [this](int stage) {
      announced_.push_back(stage);
      EXPECT_EQ(owned_.at(stage)->backwards() % microbatches_, 0)
          << "stage " << stage << " is not final";
    });
  }

  void expect_gradients_of(const Reference& reference) const {
    const auto expected = reference.model.gradients();
    for (const auto& [stage, toy] : owned_) {
      const auto first = static_cast<std::size_t>(2 * toy_slice(stage, edges_.stages()).first);
      const auto actual = toy->gradients();
      for (std::size_t i = 0; i < actual.size(); ++i) {
        EXPECT_TRUE(at::equal(actual[i], expected[first + i]))
            << "stage " << stage << ", gradient " << i;
      }
    }
  }

  void expect_losses_of(const Reference& reference) const {
    const auto last = owned_.find(edges_.stages() - 1);
    if (last != owned_.end()) {
      EXPECT_EQ(last->second->losses(), reference.model.losses());
    }
  }

  void expect_no_tensor_alive() const {
    for (const auto& [stage, toy] : owned_) EXPECT_EQ(toy->alive(), 0U) << "stage " << stage;
  }

  void expect_announced_once() const {
    EXPECT_EQ(announced_.size(), owned_.size());
    for (const auto& [stage, toy] : owned_) EXPECT_EQ(std::ranges::count(announced_, stage), 1);
  }

  void expect_peak(const Simulation& simulation) const {
    const double share = static_cast<double>(grid_.stages()) / edges_.stages();
    const auto rank = static_cast<std::size_t>(grid_.stage());
    EXPECT_EQ(held_.most * share, simulation.peak_activations[rank]);
    EXPECT_EQ(held_.now, 0);
  }

  void clear_gradients() {
    for (const auto& [stage, toy] : owned_) toy->clear_gradients();
  }

  int rank() const { return grid_.stage(); }
  int ranks() const { return grid_.stages(); }
  int microbatches() const { return microbatches_; }
  const std::vector<int>& placement() const { return placement_; }

 private:
  parallel::ProcessGrid grid_;
  std::vector<int> placement_;
  Edges edges_;
  int microbatches_;
  Held held_;
  std::map<int, std::unique_ptr<ToyStage>> owned_;
  LocalStages stages_;
  std::vector<int> announced_;
};

void expect_whole_and_in_order(const Timeline& timeline, const std::vector<Action>& actions) {
  EXPECT_EQ(timeline.size(), actions.size());
  double free_at = 0;
  for (std::size_t i = 0; i < std::min(timeline.size(), actions.size()); ++i) {
    EXPECT_EQ(timeline[i].action, actions[i]);
    EXPECT_LE(timeline[i].start, timeline[i].end);
    if (!is_compute(timeline[i].action.op)) continue;
    EXPECT_LE(free_at + timeline[i].waited, timeline[i].start + 1e-9);
    free_at = timeline[i].end;
  }
}

}  // namespace

void expect_same_bits(comm::Communicator& world, const Schedule& compute, std::int64_t scale) {
  Pipeline pipeline(world, compute, scale);
  const Reference reference(pipeline.microbatches(), scale);
  const Schedule lowered = lower(compute);
  const Timeline timeline = pipeline.run(lowered);
  pipeline.expect_gradients_of(reference);
  pipeline.expect_losses_of(reference);
  pipeline.expect_announced_once();
  pipeline.expect_no_tensor_alive();
  pipeline.expect_peak(simulate(lowered, uniform_costs(count_stages(compute), 1, 1, 1)));
  expect_whole_and_in_order(timeline, lowered.ranks[static_cast<std::size_t>(pipeline.rank())]);
}

void expect_same_losses(comm::Communicator& world, const Schedule& compute) {
  Pipeline pipeline(world, compute, 1);
  const Reference reference(pipeline.microbatches(), 1);
  pipeline.run(lower(compute));
  pipeline.expect_losses_of(reference);
  pipeline.expect_announced_once();
  pipeline.expect_no_tensor_alive();
}

void expect_evaluation_leaves_no_trace(comm::Communicator& world, const Schedule& compute) {
  Pipeline pipeline(world, compute, 1);
  const Reference reference(pipeline.microbatches(), 1);
  const Schedule training = lower(compute);
  const Schedule evaluation =
      lower(forward_only(pipeline.placement(), pipeline.ranks(), pipeline.microbatches()));
  pipeline.run(training);
  pipeline.run(evaluation);
  pipeline.expect_losses_of(reference);
  pipeline.expect_gradients_of(reference);
  pipeline.clear_gradients();
  pipeline.run(training);
  pipeline.expect_gradients_of(reference);
  pipeline.expect_no_tensor_alive();
}

Schedule loop_of_chunks(int ranks, int microbatches) {
  Schedule schedule;
  for (int rank = 0; rank < ranks; ++rank) {
    auto& actions = schedule.ranks.emplace_back();
    for (const int stage : {rank, ranks + rank}) {
      for (int m = 0; m < microbatches; ++m) actions.push_back({stage, Op::forward, m});
    }
    for (const int stage : {ranks + rank, rank}) {
      for (int m = 0; m < microbatches; ++m) actions.push_back({stage, Op::backward, m});
    }
  }
  return schedule;
}

Schedule v_of_chunks(int microbatches) {
  Schedule schedule;
  for (const auto& [down, up] : {std::pair{0, 3}, std::pair{1, 2}}) {
    auto& actions = schedule.ranks.emplace_back();
    for (int m = 0; m < microbatches; ++m) {
      for (const int stage : {down, up}) actions.push_back({stage, Op::forward, m});
      for (const int stage : {up, down}) actions.push_back({stage, Op::backward, m});
    }
  }
  return schedule;
}

}  // namespace spillway::pipeline
