#include "trainer/ranks.hpp"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "configs/error.hpp"
#include "parallel/comm/make_communicator.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "trainer/same_configuration.hpp"
#include "trainer/stop_request.hpp"

namespace spillway::trainer {
namespace {

/// A rank computes with the threads it was given; a pool of the whole machine in every rank would
/// make them fight for cores.
at::Device prepare_device(const config::RunConfig& run) {
  at::set_num_threads(static_cast<int>(run.threads));
  at::Device device = choose_device(run.device, comm::launch_info().local_rank);
  if (device.is_cuda()) at::accelerator::setDeviceIndex(device.index());
  return device;
}

/// Time for the other ranks, whose deadlines may be over a little later, to say what they stand at.
constexpr std::chrono::seconds kGrace{1};

pipeline::Watchdog watch(const pipeline::ActionLog& log, const config::Config& config) {
  const double deadline = config.parallel.deadline_seconds;
  const std::string where = config.run.dir.empty()
                                ? std::string()
                                : "; the last actions of every rank are in " +
                                      (std::filesystem::path(config.run.dir) / "logs").string();
  const auto say = [where](const pipeline::Overdue& overdue, const std::string& more) {
    std::cerr << "spillway: " + describe(overdue, comm::launch_info().rank) + more + where + "\n";
  };
  return {
      log,
      {.deadline_seconds = deadline,
       .on_overdue =
           [say](const pipeline::Overdue& overdue) {
             say(overdue, ", longer than parallel.deadline_seconds");
             std::this_thread::sleep_for(kGrace);
             comm::MpiEnvironment::abort(static_cast<int>(ErrorKind::fault));
           },
       .asked_to_end = StopRequest::pending,
       .on_asked = [say](const pipeline::Overdue& overdue) { say(overdue, ", asked to end"); }}};
}

/// The ranks of one run: all of them, or those of this rank's pipeline (see process_grid.hpp).
std::unique_ptr<comm::Communicator> ranks_of_run(std::unique_ptr<comm::Communicator> all,
                                                 const config::Config& config, Replicas replicas) {
  if (replicas == Replicas::together) return all;
  const parallel::GridShape grid = parallel::grid_shape(all->size(), config.parallel.stages);
  return all->split(all->rank() / grid.stages, all->rank());
}

std::unique_ptr<comm::Communicator> meet(pipeline::ActionLog& log, const config::Config& config) {
  log.waits("the other ranks, to meet them");
  std::unique_ptr<comm::Communicator> all = comm::make_world("mpi");
  check_same_configuration(config, *all);
  return all;
}

}  // namespace

Ranks::Ranks(const config::Config& config, Replicas replicas)
    : watchdog(watch(log, config)),
      device(prepare_device(config.run)),
      control(ranks_of_run(meet(log, config), config, replicas)),
      world(ranks_of_run(comm::make_world(config.parallel.backend), config, replicas)),
      grid(*world, parallel::grid_shape(world->size(), config.parallel.stages)) {
  log.works("set-up");
}

void Ranks::open_log(const std::filesystem::path& run_dir) {
  log.open(run_dir / "logs" / ("rank-" + std::to_string(control->rank()) + ".log"));
}

at::Device choose_device(const std::string& setting, int local_rank) {
  const bool available = at::hasCUDA() && at::accelerator::deviceCount() > 0;
  if (setting == "cpu" || (setting == "auto" && !available)) return at::kCPU;
  if (!available)
    fail_input(
        "run.device = \"cuda\", but no CUDA device is visible to this process; valid here: cpu, "
        "auto");
  return {at::kCUDA, static_cast<at::DeviceIndex>(local_rank % at::accelerator::deviceCount())};
}

}  // namespace spillway::trainer
