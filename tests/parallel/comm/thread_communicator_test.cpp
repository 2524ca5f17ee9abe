#include "parallel/comm/thread_communicator.hpp"

#include <ATen/ops/zeros.h>

#include <stdexcept>

#include "configs/error.hpp"
#include "tests/parallel/comm/conformance.hpp"

namespace spillway::comm {
namespace {

class ThreadConformance : public testing::TestWithParam<std::tuple<int, std::size_t>> {};

TEST_P(ThreadConformance, Holds) {
  const auto& [size, index] = GetParam();
  const ConformanceCase& one = conformance_cases()[index];
  on_threads(size, [&](Communicator& world) { one.check(world, Backend{}); });
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadConformance,
                         testing::Combine(testing::Values(1, 2, 3, 4),
                                          testing::Range(std::size_t{0},
                                                         conformance_cases().size())),
                         [](const auto& one) {
                           return conformance_cases()[std::get<1>(one.param)].name + "On" +
                                  std::to_string(std::get<0>(one.param));
                         });

std::string message_of(const Work& work) {
  try {
    work.wait();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ThreadCommunicator, ARankThatThrowsDoesNotLeaveTheOthersWaiting) {
  std::vector<std::unique_ptr<Communicator>> group = make_thread_group(2);
  std::string message;
  std::thread other([&message, mine = std::move(group[1])] {
    message = message_of(mine->all_reduce(at::zeros({4}, at::kFloat)));
  });
  try {
    const std::unique_ptr<Communicator> mine = std::move(group[0]);
    throw std::runtime_error("a fault of rank 0");
  } catch (const std::runtime_error&) {
  }
  other.join();
  EXPECT_NE(message.find("has left"), std::string::npos) << message;
}

TEST(ThreadCommunicator, CallsThatDoNotMatchAreNamedOnEveryRank) {
  on_threads(2, [](Communicator& world) {
    const at::Tensor tensor = at::zeros({world.rank() + 4}, at::kFloat);
    const std::string message = message_of(world.all_reduce(tensor));
    EXPECT_NE(message.find(
                  "rank 0 called all_reduce of 4 Float while rank 1 called all_reduce of 5 Float"),
              std::string::npos)
        << message;
  });
}

TEST(ThreadCommunicator, AMessageOfAnotherSizeFailsOnBothSides) {
  on_threads(2, [](Communicator& world) {
    const at::Tensor tensor = at::zeros({world.rank() == 0 ? 20 : 10}, at::kFloat);
    const std::string message =
        message_of(world.rank() == 0 ? world.send(tensor, 1) : world.recv(tensor, 0));
    EXPECT_NE(message.find("20 elements came where 10 were expected"), std::string::npos)
        << message;
    EXPECT_NE(message.find(world.rank() == 0 ? "send to rank 1 of 80 bytes"
                                             : "recv from rank 0 of 40 bytes"),
              std::string::npos)
        << message;
    const std::string later = message_of(world.barrier());
    EXPECT_NE(later.find("an earlier operation of this group failed"), std::string::npos) << later;
  });
}

TEST(ThreadCommunicator, ASwappedPairOfMessagesFailsOnBothSides) {
  on_threads(2, [](Communicator& world) {
    const at::Tensor tensor = at::zeros({5}, at::kFloat);
    const bool sends = world.rank() == 0;
    const Work work = sends ? world.send(tensor, 1, 13) : world.recv(tensor, 0, 12);
    EXPECT_NE(message_of(work).find("message 13 came where 12 was expected"), std::string::npos)
        << message_of(work);
    EXPECT_THROW(work.wait(), TagMismatch);
  });
}

TEST(ThreadCommunicator, AGroupOfNoRanksIsRefused) { EXPECT_THROW(make_thread_group(0), Error); }

}  // namespace
}  // namespace spillway::comm
