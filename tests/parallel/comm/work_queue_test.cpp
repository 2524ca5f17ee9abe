#include "parallel/comm/work_queue.hpp"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "configs/error.hpp"
#include "parallel/comm/thread_communicator.hpp"

namespace spillway::comm {
namespace {

void ignore(double) {}

TEST(WorkQueue, RunsJobsInTheOrderTheyWerePushed) {
  std::vector<int> order;
  WorkQueue queue("test");
  Work last;
  for (int i = 0; i < 100; ++i) last = queue.push([&order, i] { order.push_back(i); }, ignore);
  last.wait();
  ASSERT_EQ(order.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(WorkQueue, PushReturnsWhileTheJobRuns) {
  std::promise<void> go;
  WorkQueue queue("test");
  const Work work = queue.push([&go] { go.get_future().wait(); }, ignore);
  EXPECT_FALSE(work.done());
  go.set_value();
  work.wait();
  EXPECT_TRUE(work.done());
}

TEST(WorkQueue, AJobRestsUntilSomebodyWaits) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::seconds kLong{20};
  EXPECT_TRUE(WorkQueue::rest(kLong)) << "this thread runs no job";
  WorkQueue queue("test");
  std::promise<void> began;
  bool rested = true, awaited = false;
  const Work work = queue.push(
      [&] {
        rested = WorkQueue::rest(std::chrono::milliseconds(1));
        began.set_value();
        awaited = WorkQueue::rest(kLong);
      },
      ignore);
  began.get_future().wait();
  const auto begin = Clock::now();
  work.wait();
  EXPECT_LT(Clock::now() - begin, kLong / 2);
  EXPECT_FALSE(rested) << "nobody waited yet";
  EXPECT_TRUE(awaited);
  bool own = false;
  queue.push([&] { own = WorkQueue::rest(kLong); }, ignore).wait();
  EXPECT_TRUE(own) << "the caller runs the job that it waits for";
  EXPECT_LT(Clock::now() - begin, kLong / 2);
}

TEST(WorkQueue, TheEndOfAQueueWaitsForItsJobsToo) {
  const auto begin = std::chrono::steady_clock::now();
  bool awaited = false;
  {
    WorkQueue queue("test");
    const Work work =
        queue.push([&] { awaited = WorkQueue::rest(std::chrono::seconds(20)); }, ignore);
  }
  EXPECT_TRUE(awaited);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

std::ptrdiff_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

TEST(WorkQueue, AJobWaitedForOnTheSpotRunsOnTheCallersThreadAndWakesNoOther) {
  const std::ptrdiff_t threads = threads_of_this_process();
  WorkQueue queue("test");
  std::thread::id ran_on;
  EXPECT_TRUE(queue.push([&] { ran_on = std::this_thread::get_id(); }, ignore).wait().done());
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_THROW(queue.push([] { throw std::runtime_error("broken link"); }, ignore).wait(),
               std::runtime_error);
  EXPECT_EQ(threads_of_this_process(), threads);
}

TEST(WorkQueue, AKeptAndADroppedJobRunThoughNobodyWaits) {
  std::promise<void> kept, dropped;
  WorkQueue queue("test");
  const Work work = queue.push([&] { kept.set_value(); }, ignore);
  EXPECT_EQ(kept.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  static_cast<void>(queue.push([&] { dropped.set_value(); }, ignore));
  EXPECT_EQ(dropped.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST(WorkQueue, WaitThrowsWhatTheJobThrewEveryTime) {
  WorkQueue queue("test");
  const Work work = queue.push([] { throw std::runtime_error("broken link"); }, ignore);
  EXPECT_THROW(work.wait(), std::runtime_error);
  EXPECT_THROW(work.wait(), std::runtime_error);
  EXPECT_TRUE(work.done());
}

TEST(WorkQueue, AfterAFailureNothingRunsAndTheReasonIsNamed) {
  WorkQueue queue("test");
  static_cast<void>(queue.push([] { throw std::runtime_error("broken link"); }, ignore));
  bool ran = false;
  const Work work = queue.push([&ran] { ran = true; }, ignore);
  try {
    work.wait();
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("broken link"), std::string::npos);
  }
  EXPECT_FALSE(ran);
}

TEST(WorkQueue, ReportsTheSecondsOfAJobBeforeItIsDone) {
  double seconds = -1;
  WorkQueue queue("test");
  queue
      .push([] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); },
            [&](double s) { seconds = s; })
      .wait();
  EXPECT_GE(seconds, 0.005);
}

TEST(WorkQueue, LetsGoOfWhatAJobCapturedBeforeItIsDone) {
  WorkQueue queue("test");
  const auto held = std::make_shared<int>(1);
  queue.push([held] {}, ignore).wait();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(WorkQueue, TheDestructorFinishesWhatIsQueued) {
  std::atomic<int> ran = 0;
  {
    WorkQueue queue("test");
    for (int i = 0; i < 10; ++i) static_cast<void>(queue.push([&ran] { ++ran; }, ignore));
  }
  EXPECT_EQ(ran, 10);
}

/// Stands for what a job uses by reference, as an exchange uses its members.
struct Members {
  std::atomic<bool> alive = true, used_after_death = false;
  void use() {
    if (!alive) used_after_death = true;
  }
};
struct Owner {
  Members& members;
  explicit Owner(Members& owned) : members(owned) {}
  ~Owner() { members.alive = false; }
};

TEST(WorkQueue, WhileAnExceptionUnwindsAJobThatWaitsForPeersIsLeftThere) {
  const auto go = std::make_shared<std::promise<void>>();
  std::promise<void> started;
  Work never;
  std::atomic<bool> went_on = false, reported = false, second_ran = false;
  try {
    WorkQueue queue("test");
    static_cast<void>(queue.push(
        [go, &started, &went_on] {
          {
            const WorkQueue::PeerWait peers;
            started.set_value();
            go->get_future().wait();
          }
          went_on = true;
        },
        [&](double) { reported = true; }));
    never = queue.push([&] { second_ran = true; }, ignore);
    started.get_future().wait();
    throw std::runtime_error("fault of the main thread");
  } catch (const std::runtime_error&) {
  }
  go->set_value();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(went_on);
  EXPECT_FALSE(reported);
  EXPECT_FALSE(second_ran);
  EXPECT_THROW(never.wait(), Error);
}

TEST(WorkQueue, WhileAnExceptionUnwindsAJobThatComputesIsWaitedForUpToItsNextPeerWait) {
  std::atomic<bool> waited_for_peers = false;
  Members members;
  std::promise<void> started;
  try {
    const Owner owner(members);
    WorkQueue queue("test");
    static_cast<void>(queue.push(
        [&] {
          started.set_value();
          std::this_thread::sleep_for(std::chrono::milliseconds(50));
          members.use();
          const WorkQueue::PeerWait peers;
          waited_for_peers = true;
        },
        ignore));
    started.get_future().wait();
    throw std::runtime_error("fault of the main thread");
  } catch (const std::runtime_error&) {
  }
  EXPECT_FALSE(members.used_after_death);
  EXPECT_FALSE(waited_for_peers);
}

/// The exchange of a rank whose peer comes late, or never: the job waits in an all-reduce when the
/// exception ends exchange and group.
TEST(WorkQueue, AnExchangeInFlightIsLeftBehindWithItsGroupByAnException) {
  for (const bool kept : {false, true}) {  // the all-reduce runs on a thread of its own when kept
    std::vector<std::unique_ptr<Communicator>> group = make_thread_group(2);
    Members members;
    std::promise<void> started;
    try {
      const std::unique_ptr<Communicator> mine = std::move(group[0]);
      const Owner owner(members);
      WorkQueue exchange("exchange");
      static_cast<void>(exchange.push(
          [&members, &started, &mine = *mine, kept] {
            started.set_value();
            const at::Tensor tensor = at::zeros({1000}, at::kFloat);
            for (int i = 0; i < 3; ++i) {
              if (kept) {
                const Work work = mine.all_reduce(tensor);
                work.wait();
              } else {
                mine.all_reduce(tensor).wait();
              }
              members.use();
            }
          },
          ignore));
      started.get_future().wait();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      throw std::runtime_error("fault of the main thread");
    } catch (const std::runtime_error&) {
    }
    EXPECT_THROW(group[1]->all_reduce(at::zeros({1000}, at::kFloat)).wait(), Error);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(members.used_after_death) << kept;
  }
}

}  // namespace
}  // namespace spillway::comm
