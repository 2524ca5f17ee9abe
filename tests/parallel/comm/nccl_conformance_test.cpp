#include <gtest/gtest.h>

#include "parallel/comm/make_communicator.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "parallel/comm/nccl_communicator.hpp"
#include "tests/parallel/comm/conformance.hpp"

namespace spillway::comm {
namespace {

class NcclConformance : public testing::TestWithParam<std::size_t> {};

TEST_P(NcclConformance, Holds) {
  enable_nccl();
  const int devices = nccl_backend().devices(), ranks = launch_info().local_size;
  if (devices < ranks) GTEST_SKIP() << devices << " CUDA devices for " << ranks << " ranks";
  const std::unique_ptr<Communicator> world = make_world("nccl");
  conformance_cases()[GetParam()].check(
      *world, Backend{.device = at::kCUDA, .rounds_once = false, .keeps_nan = false});
}

INSTANTIATE_TEST_SUITE_P(Nccl, NcclConformance,
                         testing::Range(std::size_t{0}, conformance_cases().size()),
                         [](const auto& one) { return conformance_cases()[one.param].name; });

}  // namespace
}  // namespace spillway::comm
