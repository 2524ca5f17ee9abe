#include "parallel/comm/nccl_communicator.hpp"

#include <gtest/gtest.h>

#include "configs/error.hpp"
#include "parallel/comm/make_communicator.hpp"
#include "parallel/comm/mpi_environment.hpp"

namespace spillway::comm {
namespace {

/// Ranks on one host share its devices; the suite runs where each has its own.
bool have_devices() {
  enable_nccl();
  return nccl_backend().devices() >= launch_info().local_size;
}

std::string message_of_make_world(const std::string& backend) {
  try {
    make_world(backend);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
    return error.what();
  }
  return "";
}

TEST(NcclCommunicator, SaysOnEveryRankWhichRankHasNoDevice) {
  if (have_devices()) GTEST_SKIP() << "every rank has a CUDA device";
  const std::string message = message_of_make_world("nccl");
  const bool in_build =
      message.find("no CUDA device: rank 0, number 0 on its host, sees 0 devices") !=
          std::string::npos ||
      message.find("no CUDA device: rank 1") != std::string::npos;
  const bool not_in_build = message.find("this build has no CUDA") != std::string::npos;
  EXPECT_TRUE(in_build || not_in_build) << message;
}

TEST(NcclCommunicator, AutoTakesNcclOnlyWhereEveryRankHasADevice) {
  const bool devices = have_devices();
  EXPECT_EQ(make_world("auto")->backend(), devices ? "nccl" : "mpi");
}

}  // namespace
}  // namespace spillway::comm
