// A pipeline of paced stages, one per rank, with a fault in its schedule, for faults_test.py.
// usage: faulty_run FAULT RUN_DIR DEADLINE_SECONDS EDGE_BYTES, FAULT: none, swapped, unreceived,
// forgotten, hang, endless.
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <thread>

#include "configs/error.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "parallel/pipeline/execute.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/paced_stage.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "trainer/ranks.hpp"

namespace {

using namespace spillway;
using pipeline::Action;
using pipeline::Op;

constexpr int kMicrobatches = 6;

/// Rank 1 sends the activation of micro-batch 3 before that of 2.
void swap_sends(std::vector<Action>& actions) {
  const auto first = std::ranges::find(actions, Action{1, Op::send_forward, 2});
  const auto second = std::ranges::find(actions, Action{1, Op::send_forward, 3});
  std::rotate(first, first + 1, second + 1);
}

/// Rank 2 does not receive the activation of micro-batch 3, which it needs.
void lose_receive(std::vector<Action>& actions) {
  std::erase(actions, Action{2, Op::recv_forward, 3});
}

/// Rank 2 knows nothing of the last micro-batch.
void forget_last(std::vector<Action>& actions) {
  std::erase_if(actions,
                [](const Action& action) { return action.microbatch == kMicrobatches - 1; });
}

/// Rank 1 never comes back from a forward.
class HangingStage final : public pipeline::Stage {
 public:
  explicit HangingStage(pipeline::Stage& stage) : stage_(stage) {}
  at::Tensor make_input(int m) override { return stage_.make_input(m); }
  at::Tensor forward(int m, at::Tensor input) override {
    while (m == 3) std::this_thread::sleep_for(std::chrono::hours(1));
    return stage_.forward(m, std::move(input));
  }
  at::Tensor backward(int m, at::Tensor gradient) override {
    return stage_.backward(m, std::move(gradient));
  }
  at::Tensor backward_input(int m, at::Tensor gradient) override {
    return stage_.backward_input(m, std::move(gradient));
  }
  void backward_weight(int m) override { stage_.backward_weight(m); }

 private:
  pipeline::Stage& stage_;
};

void run(const std::string& fault, const config::Config& config, std::int64_t edge_bytes) {
  trainer::Ranks ranks(config);
  ranks.open_log(config.run.dir);
  const int rank = ranks.grid.stage(), stages = ranks.grid.stages();
  std::ofstream(config.run.dir + "/pid-" + std::to_string(rank)) << getpid() << "\n";

  pipeline::Schedule lowered = pipeline::lower(pipeline::one_f_one_b(stages, kMicrobatches));
  if (fault == "swapped") swap_sends(lowered.ranks[1]);
  if (fault == "unreceived") lose_receive(lowered.ranks[2]);
  if (fault == "forgotten") forget_last(lowered.ranks[2]);
  pipeline::PacedStage paced({.stage = rank,
                              .stages = stages,
                              .costs = {.forward = 0.01, .backward = 0.02},
                              .edge_bytes = edge_bytes});
  HangingStage hanging(paced);
  pipeline::Stage* stage = &paced;
  if (fault == "hang" && rank == 1) stage = &hanging;
  const pipeline::Edges edges(ranks.grid, pipeline::rank_of_stage(lowered));
  do {
    pipeline::execute(
        lowered, {{rank, stage}}, edges, [](int) {}, ranks.log);
    ranks.log.waits("all ranks at the end of the step");
    ranks.control->barrier().wait();
  } while (fault == "endless");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 5) spillway::fail_input("usage: faulty_run FAULT RUN_DIR DEADLINE EDGE_BYTES");
    const comm::MpiEnvironment environment;
    config::Config config;
    config.run.dir = argv[2];
    config.parallel.stages = comm::launch_info().size;
    config.parallel.deadline_seconds = std::stod(argv[3]);
    run(argv[1], config, std::stoll(argv[4]));
  } catch (const std::exception& error) {
    std::cerr << "spillway: rank " + std::to_string(comm::launch_info().rank) + ": " +
                     error.what() + "\n";
    comm::MpiEnvironment::abort(3);
  }
}
