#include "trainer/check_run.hpp"

#include <unistd.h>

#include <bit>

#include "compression/check_methods.hpp"
#include "configs/error.hpp"
#include "data/corpus/corpus_reader.hpp"
#include "data/mutate/operator.hpp"
#include "parallel/process_grid.hpp"
#include "trainer/checkpoint/agreement.hpp"
#include "trainer/find_schedule.hpp"
#include "trainer/gradient_sync.hpp"
#include "trainer/layout.hpp"
#include "trainer/peak_flops.hpp"

namespace spillway::trainer {
namespace {

/// Makes the folder where it is missing; what is wrong with it, or nothing.
std::string find_folder_fault(const std::filesystem::path& dir) {
  if (dir.empty()) return "run.dir is not set; name the folder that the run may write into";
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) return "run.dir = " + dir.string() + " cannot be made: " + error.message();
  if (access(dir.c_str(), W_OK | X_OK) != 0) {
    return "run.dir = " + dir.string() + " is not writable by this user";
  }
  return "";
}

/// Only whole subtrees, and exact divisions, make sums over replicas those of one replica.
void check_reproducible(const config::ParallelConfig& parallel, int replicas) {
  if (!parallel.reproducible || replicas == 1) return;
  const auto check = [](const std::string& what, std::int64_t value) {
    if (std::has_single_bit(static_cast<std::uint64_t>(value))) return;
    fail_input(what + " = " + std::to_string(value) +
               "; valid with parallel.reproducible and several replicas: a power of two");
  };
  check("parallel.microbatches", parallel.microbatches);
  check("replicas", replicas);
}

}  // namespace

void check_run_folder(const std::filesystem::path& dir, comm::Communicator& world) {
  std::string complaint;
  if (world.rank() == 0) complaint = find_folder_fault(dir);
  complaint = broadcast_text(world, complaint);
  if (!complaint.empty()) fail_input(complaint);
}

void check_run(const config::Config& config, int world) {
  check_reproducible(config.parallel, parallel::grid_shape(world, config.parallel.stages).replicas);
  if (config.parallel.schedule == "auto") {
    candidates({.config = config});
  } else {
    make_layout(config);
  }
  compression::check_methods(config.compression, exchanged_shapes(config.model));
  if (config.mutation.rate > 0) data::select_operators(config.mutation.operators);
  if (config.data.corpus.empty())
    fail_input("data.corpus is not set; make one with `spillway corpus build`");
  const data::CorpusReader corpus(config.data.corpus);
  peak_flops(config.run.peak_flops == "measure" ? "1" : config.run.peak_flops, at::kCPU,
             at::kFloat);
}

}  // namespace spillway::trainer
