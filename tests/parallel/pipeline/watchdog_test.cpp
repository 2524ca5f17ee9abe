#include "parallel/pipeline/watchdog.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <future>

namespace spillway::pipeline {
namespace {

using std::chrono::milliseconds;

/// What a watchdog reports while `call` runs.
template <typename Call>
std::optional<Overdue> overdue_while(double deadline, const Call& call) {
  ActionLog log;
  std::optional<Overdue> reported;
  {
    const Watchdog watchdog(
        log, {.deadline_seconds = deadline, .on_overdue = [&](const Overdue& o) { reported = o; }});
    call(log);
  }
  return reported;
}

TEST(Watchdog, ReportsWhatARankStandsAt) {
  const auto reported = overdue_while(0.1, [](ActionLog& log) {
    log.works("1F0");
    log.waits("1RECV_F3 from rank 0");
    std::this_thread::sleep_for(milliseconds(300));
  });
  ASSERT_TRUE(reported);
  EXPECT_EQ(reported->standing.what, "1RECV_F3 from rank 0");
  EXPECT_EQ(reported->standing.kind, ActionLog::Kind::waits);
  EXPECT_GE(reported->seconds, 0.1);
  EXPECT_LT(reported->seconds, 0.3);
}

TEST(Watchdog, LeavesARankAloneThatGoesOnOrRests) {
  const auto reported = overdue_while(0.2, [](ActionLog& log) {
    for (int i = 0; i < 10; ++i) {
      log.works("1F" + std::to_string(i));
      std::this_thread::sleep_for(milliseconds(40));
    }
    log.rests();
    std::this_thread::sleep_for(milliseconds(400));
  });
  EXPECT_FALSE(reported) << reported->standing.what;
}

TEST(Watchdog, TheSameActionAgainIsNotTheSameEntry) {
  const auto reported = overdue_while(0.2, [](ActionLog& log) {
    for (int i = 0; i < 10; ++i) {
      log.works("the vote of all ranks");
      std::this_thread::sleep_for(milliseconds(40));
    }
  });
  EXPECT_FALSE(reported);
}

TEST(Watchdog, ADeadlineOfZeroWatchesNothing) {
  EXPECT_FALSE(overdue_while(0, [](ActionLog& log) {
    log.works("1F0");
    std::this_thread::sleep_for(milliseconds(50));
  }));
}

TEST(Watchdog, SaysWhatARankWaitsForWhenItIsAskedToEnd) {
  for (const bool waits : {true, false}) {
    ActionLog log;
    std::atomic<bool> asked = false;
    std::vector<std::string> reported;
    {
      const Watchdog watchdog(
          log, {.deadline_seconds = 10,
                .asked_to_end = [&] { return asked.load(); },
                .on_asked = [&](const Overdue& o) { reported.push_back(o.standing.what); }});
      waits ? log.waits("1RECV_F3 from rank 0") : log.works("1F3");
      std::this_thread::sleep_for(milliseconds(300));
      EXPECT_TRUE(reported.empty());
      asked = true;
      std::this_thread::sleep_for(milliseconds(300));
    }
    EXPECT_EQ(reported, waits ? std::vector<std::string>{"1RECV_F3 from rank 0"}
                              : std::vector<std::string>{});
  }
}

TEST(Watchdog, TimeInWhichTheProcessWasStoppedDoesNotCount) {
  const pid_t child = fork();
  if (child == 0) {
    const auto reported = overdue_while(0.5, [](ActionLog& log) {
      log.works("1F0");
      std::this_thread::sleep_for(milliseconds(50));
      kill(getpid(), SIGSTOP);  // for 0.8 s
      std::this_thread::sleep_for(milliseconds(50));
    });
    _exit(reported ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  std::this_thread::sleep_for(milliseconds(800));
  kill(child, SIGCONT);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Watchdog, SaysWhoWaitsHowLongForWhat) {
  const Overdue waits{{1, ActionLog::Kind::waits, "1RECV_F3 from rank 1"}, 41.3};
  EXPECT_EQ(describe(waits, 2), "rank 2 waits 41 s for 1RECV_F3 from rank 1");
  const Overdue works{{1, ActionLog::Kind::works, "1F3"}, 2.26};
  EXPECT_EQ(describe(works, 1), "rank 1 has been at 1F3 for 2.3 s");
}

}  // namespace
}  // namespace spillway::pipeline
