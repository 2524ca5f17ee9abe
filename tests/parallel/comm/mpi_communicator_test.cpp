#include "parallel/comm/mpi_communicator.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include "configs/error.hpp"
#include "parallel/comm/make_communicator.hpp"
#include "tests/parallel/comm/conformance.hpp"

namespace spillway::comm {
namespace {

class MpiConformance : public testing::TestWithParam<std::size_t> {};

TEST_P(MpiConformance, Holds) {
  const std::unique_ptr<Communicator> world = make_world("mpi");
  conformance_cases()[GetParam()].check(*world, Backend{});
}

INSTANTIATE_TEST_SUITE_P(Mpi, MpiConformance,
                         testing::Range(std::size_t{0}, conformance_cases().size()),
                         [](const auto& one) { return conformance_cases()[one.param].name; });

void keeps_the_contract(const MpiOptions& options) {
  const std::unique_ptr<Communicator> world = make_mpi_world(options);
  for (const ConformanceCase& one : conformance_cases()) {
    SCOPED_TRACE(one.name);
    if (one.name != "TensorsOf128MibArriveWhole") one.check(*world, Backend{});
  }
}

/// Many MPI calls for one operation, as tensors over 2^31 elements need.
TEST(MpiCommunicator, KeepsTheContractWhenAnOperationTakesManyCalls) {
  keeps_the_contract({.call_elements = 60'001});
}

TEST(MpiCommunicator, KeepsTheContractAsAmongSeveralHosts) {
  keeps_the_contract({.blocking_calls = false});
  keeps_the_contract({.call_elements = 60'001, .blocking_calls = false});
}

std::string message_of(const Work& work) {
  try {
    work.wait();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(MpiCommunicator, AMessageOfAnotherSizeIsAnErrorWithOperationPeerAndBytes) {
  const std::unique_ptr<Communicator> world = make_mpi_world();
  for (const int received : {10, 30}) {
    const std::unique_ptr<Communicator> group = world->split(0, world->rank());
    if (world->size() > 1 && world->rank() == 0) group->send(at::zeros({20}, at::kFloat), 1).wait();
    if (world->rank() != 1) continue;
    const std::string message = message_of(group->recv(at::zeros({received}, at::kFloat), 0));
    const std::string reason =
        received < 20 ? "MPI_ERR_TRUNCATE" : "20 elements came where 30 were expected";
    const std::string where =
        "recv from rank 0 of " + std::to_string(4 * received) + " bytes, rank 1 of ";
    EXPECT_NE(message.find(reason), std::string::npos) << message;
    EXPECT_NE(message.find(where), std::string::npos) << message;
  }
  world->barrier().wait();
}

TEST(MpiCommunicator, ASwappedPairOfMessagesIsAnErrorWithBothTags) {
  const std::unique_ptr<Communicator> world = make_mpi_world();
  for (const std::int64_t elements : {1, 1 << 20}) {
    const std::unique_ptr<Communicator> group = world->split(0, world->rank());
    const at::Tensor tensor = at::zeros({elements}, at::kFloat);
    if (world->size() > 1 && world->rank() == 0) group->send(tensor, 1, 13).wait();
    if (world->rank() != 1) continue;
    const Work received = group->recv(tensor, 0, 12);
    const std::string message = message_of(received);
    EXPECT_NE(message.find("message 13 came where 12 was expected"), std::string::npos) << message;
    EXPECT_THROW(received.wait(), TagMismatch);
  }
  world->barrier().wait();
}

TEST(MakeWorld, ProposesTheNearestBackend) {
  try {
    make_world("mpl");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_STREQ(
        error.what(),
        "parallel.backend = \"mpl\" is not one of auto | mpi | nccl; did you mean \"mpi\"?");
  }
}

}  // namespace
}  // namespace spillway::comm
