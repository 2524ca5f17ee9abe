#include "parallel/pipeline/action_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "configs/error.hpp"
#include "tests/data/temporary_folder.hpp"

namespace spillway::pipeline {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

class ActionLogFile : public testing::Test {
 protected:
  std::filesystem::path file() const { return folder_ / "logs/rank-3.log"; }

  /// Lines without the spaces behind.
  std::vector<std::string> lines() const {
    std::ifstream in(file());
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);) {
      line.resize(line.find_last_not_of(' ') + 1);
      all.push_back(line);
    }
    return all;
  }

  data::TemporaryFolder folder_;
};

TEST_F(ActionLogFile, HoldsTheLastActionsWithTheirTimesNewestLast) {
  ActionLog log;
  log.works("before it was opened");
  log.open(file());
  for (int m = 0; m < 100; ++m) log.works("2F" + std::to_string(m));
  log.waits("2RECV_F100 from rank 1");
  log.rests();
  const std::vector<std::string> all = lines();
  ASSERT_EQ(all.size(), ActionLog::kLines);
  EXPECT_THAT(all.front(), EndsWith("Z  2F37"));
  EXPECT_THAT(all[62], MatchesRegex("....-..-..T..:..:..\\.......Z  2F99"));
  EXPECT_THAT(all[63], EndsWith("Z  waits for 2RECV_F100 from rank 1"));
}

TEST_F(ActionLogFile, IsContinuedByTheNextRun) {
  {
    ActionLog log;
    log.open(file());
    log.works("first");
  }
  ActionLog log;
  log.open(file());
  log.works("second");
  const std::vector<std::string> all = lines();
  EXPECT_THAT(all[62], EndsWith("first"));
  EXPECT_THAT(all[63], EndsWith("second"));
  EXPECT_EQ(all[61], "");
}

TEST_F(ActionLogFile, OutlivesAKilledProcess) {
  const pid_t child = fork();
  if (child == 0) {
    ActionLog log;
    log.open(file());
    log.waits("1RECV_B7 from rank 2");
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_THAT(lines().back(), EndsWith("waits for 1RECV_B7 from rank 2"));
}

TEST_F(ActionLogFile, CutsWhatIsLongerThanALine) {
  ActionLog log;
  log.open(file());
  log.works(std::string(500, 'x'));
  EXPECT_EQ(std::filesystem::file_size(file()), ActionLog::kLines * ActionLog::kLineBytes);
  EXPECT_EQ(lines().back().size(), ActionLog::kLineBytes - 1);
}

TEST_F(ActionLogFile, ThatCannotBeWrittenIsNamed) {
  std::ofstream(folder_ / "logs") << "a file where the folder should be";
  ActionLog log;
  try {
    log.open(file());
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(file().string() + " cannot be written: Not a directory"));
  }
}

TEST(ActionLog, EveryEntryHasAnotherNumber) {
  ActionLog log;
  EXPECT_EQ(log.standing().kind, ActionLog::Kind::rests);
  log.works("0F1");
  const ActionLog::Standing first = log.standing();
  log.waits("0F1");
  EXPECT_EQ(first.what, "0F1");
  EXPECT_EQ(first.kind, ActionLog::Kind::works);
  EXPECT_EQ(log.standing().kind, ActionLog::Kind::waits);
  EXPECT_NE(log.standing().number, first.number);
}

TEST(UtcText, HasMicroseconds) {
  const auto second_2e9 =
      std::chrono::system_clock::time_point(std::chrono::seconds(2'000'000'000));
  EXPECT_EQ(utc_text(second_2e9), "2033-05-18T03:33:20.000000Z");
  EXPECT_EQ(utc_text(second_2e9 - std::chrono::microseconds(1)), "2033-05-18T03:33:19.999999Z");
}

}  // namespace
}  // namespace spillway::pipeline
