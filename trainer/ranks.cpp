#include "trainer/ranks.hpp"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>

#include "configs/error.hpp"
#include "parallel/comm/make_communicator.hpp"
#include "parallel/comm/mpi_environment.hpp"

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

}  // namespace

Ranks::Ranks(const config::Config& config)
    : device(prepare_device(config.run)),
      control(comm::make_world("mpi")),
      world(comm::make_world(config.parallel.backend)),
      grid(*world, parallel::grid_shape(world->size(), config.parallel.stages)) {}

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
