#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "parallel/comm/thread_communicator.hpp"
#include "trainer/checkpoint/durable_file.hpp"

namespace spillway::trainer {

/// A folder of this test alone, empty at first.
inline std::filesystem::path scratch_folder() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const auto path = std::filesystem::path(testing::TempDir()) /
                    (std::string("spillway_") + test->test_suite_name() + "_" + test->name() + "_" +
                     std::to_string(::getpid()));
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

/// What `action` throws, as text; empty when it does not.
inline std::string complaint(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

/// Runs `body` on ranks that are threads; returns what each rank threw.
inline std::vector<std::string> on_ranks(int ranks,
                                         const std::function<void(comm::Communicator&)>& body) {
  auto group = comm::make_thread_group(ranks);
  std::vector<std::string> thrown(static_cast<std::size_t>(ranks));
  std::vector<std::jthread> threads;
  for (std::size_t rank = 0; rank < group.size(); ++rank) {
    threads.emplace_back([&, rank] { thrown[rank] = complaint([&] { body(*group[rank]); }); });
  }
  threads.clear();
  return thrown;
}

/// Turns one bit of a file around.
inline void flip_bit(const std::filesystem::path& path, std::uint64_t at) {
  File file = File::open_to_write(path);
  std::byte byte{};
  file.read_at(at, {&byte, 1});
  byte ^= std::byte{0x10};
  file.write_at(at, {&byte, 1});
}

/// A file system of a few MiB for as long as it lives; not there when mounting is not allowed.
class SmallDisk {
 public:
  SmallDisk(std::filesystem::path folder, const std::string& size) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    mounted_ = ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  std::filesystem::path folder_;
  bool mounted_ = false;
};

}  // namespace spillway::trainer
