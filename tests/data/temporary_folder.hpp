#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "configs/error.hpp"

namespace spillway::data {

/// A folder for one test, removed at its end.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(std::filesystem::path(testing::TempDir()) / name()) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const std::string& entry) const { return path_ / entry; }
  const std::filesystem::path& path() const { return path_; }

 private:
  static std::string name() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    return std::string("spillway-") + info->name() + "-" + std::to_string(::getpid());
  }
  std::filesystem::path path_;
};

/// The message of the Error that `action` throws; empty when it throws none.
template <class Action>
std::string complaint_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace spillway::data
