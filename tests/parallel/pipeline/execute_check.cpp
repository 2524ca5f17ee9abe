#include "tests/parallel/pipeline/execute_check.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>

#include "parallel/pipeline/csv.hpp"
#include "parallel/pipeline/execute.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/forward_only.hpp"
#include "parallel/pipeline/simulate.hpp"
#include "tests/parallel/pipeline/toy_stage.hpp"

namespace spillway::pipeline {
namespace {

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
    return execute(
        lowered, stages_, edges_,
        [this](int stage) {
          announced_.push_back(stage);
          EXPECT_EQ(owned_.at(stage)->backwards() % microbatches_, 0)
              << "stage " << stage << " is not final";
        },
        log_);
  }

  void expect_gradients_of(const ToyResult& reference) const {
    const auto& expected = reference.gradients;
    for (const auto& [stage, toy] : owned_) {
      const auto first = static_cast<std::size_t>(2 * toy_slice(stage, edges_.stages()).first);
      const auto& actual = toy->gradients();
      const ToySlice slice = toy_slice(stage, edges_.stages());
      EXPECT_EQ(actual.size(), static_cast<std::size_t>(2 * (slice.last - slice.first)));
      for (std::size_t i = 0; i < actual.size(); ++i) {
        EXPECT_TRUE(at::equal(actual[i], expected[first + i]))
            << "stage " << stage << ", gradient " << i;
      }
    }
  }

  void expect_losses_of(const ToyResult& reference) const {
    const auto last = owned_.find(edges_.stages() - 1);
    if (last != owned_.end()) {
      EXPECT_EQ(last->second->losses(), reference.losses);
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
  ActionLog log_;
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
  const ToyResult reference = run_whole_toy(pipeline.microbatches(), scale);
  const Schedule lowered = lower(compute);
  const Timeline timeline = pipeline.run(lowered);
  pipeline.expect_gradients_of(reference);
  pipeline.expect_losses_of(reference);
  pipeline.expect_announced_once();
  pipeline.expect_no_tensor_alive();
  pipeline.expect_peak(simulate(lowered, uniform_costs(count_stages(compute), 1, 1, 1)));
  expect_whole_and_in_order(timeline, lowered.ranks[static_cast<std::size_t>(pipeline.rank())]);
}

void expect_evaluation_leaves_no_trace(comm::Communicator& world, const Schedule& compute) {
  Pipeline pipeline(world, compute, 1);
  const ToyResult reference = run_whole_toy(pipeline.microbatches(), 1);
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

Schedule split_backward(Schedule compute, std::size_t delay, bool newest_first) {
  for (auto& actions : compute.ranks) {
    std::vector<Action> split, due;
    const auto settle = [&](std::size_t left) {
      while (due.size() > left) {
        const auto chosen = newest_first ? due.end() - 1 : due.begin();
        split.push_back(*chosen);
        due.erase(chosen);
      }
    };
    for (const Action& action : actions) {
      if (action.op != Op::backward) {
        split.push_back(action);
        continue;
      }
      split.push_back({action.stage, Op::backward_input, action.microbatch});
      due.push_back({action.stage, Op::backward_weight, action.microbatch});
      settle(delay);
    }
    settle(0);
    actions = std::move(split);
  }
  return compute;
}

Schedule zero_bubble_by_hand() {
  return parse_csv(
      "0F0,0F1,0F2,0F3,0I0,0W0,0I1,0W1,0I2,0W2,0I3,0W3\n"
      "1F0,1F1,1F2,1I0,1F3,1I1,1W0,1I2,1W1,1I3,1W2,1W3\n"
      "2F0,2F1,2I0,2F2,2I1,2F3,2I2,2W0,2I3,2W1,2W2,2W3\n"
      "3F0,3I0,3F1,3I1,3F2,3I2,3F3,3W0,3I3,3W1,3W2,3W3\n",
      "zero bubble by hand");
}

Schedule split_v_by_hand() {
  return parse_csv(
      "0F0,0F1,3F0,3I0,3F1,0F2,3W0,3I1,0I0,0W0,3F2,3B2,0I1,3W1,0W1,0I2,0W2\n"
      "1F0,2F0,1F1,2F1,2I0,1I0,2W0,1F2,2F2,2I1,1I1,1W0,2I2,1I2,2W2,1W2,2W1,1W1\n",
      "V by hand");
}

}  // namespace spillway::pipeline
