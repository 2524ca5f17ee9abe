// GoogleTest's main for tests that run under mpirun. Every rank runs the same tests; rank 0 prints,
// the others hand it their failures after each test; every rank returns the same code. A test must
// not leave a collective early on one rank: use EXPECT, not ASSERT, where others wait.
#include <gtest/gtest.h>
#include <mpi.h>

#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "parallel/comm/mpi_environment.hpp"
#include "parallel/comm/mpi_handle.hpp"

namespace {

using spillway::comm::MpiHandle;

/// Collects what fails on this rank and gathers it on rank 0 at the end of every test.
class GatherFailures final : public testing::EmptyTestEventListener {
 public:
  GatherFailures()
      : handle_(MpiHandle::duplicate(MPI_COMM_WORLD)),
        rank_(handle_.rank()),
        size_(handle_.size()) {}

  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    failures_ += "[rank " + std::to_string(rank_) + "] " +
                 (result.file_name() ? result.file_name() : "unknown file") + ":" +
                 std::to_string(result.line_number()) + "\n" + result.message() + "\n";
  }

  void OnTestEnd(const testing::TestInfo& test) override {
    if (!everyone_arrives()) {
      std::cerr << "[rank " << rank_ << "] " << test.test_suite_name() << "." << test.name()
                << ": some rank did not finish the test\n"
                << failures_ << std::flush;
      spillway::comm::MpiEnvironment::abort(1);
    }
    const int failed = gather(test);
    any_failed_ = any_failed_ || failed > 0;
    failures_.clear();
  }

  bool any_failed() const { return any_failed_; }

 private:
  bool everyone_arrives() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibarrier(handle_.get(), &request);
    for (int finished = 0; std::chrono::steady_clock::now() < deadline;) {
      MPI_Test(&request, &finished, MPI_STATUS_IGNORE);
      if (finished != 0) return true;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return false;
  }

  /// Prints the failures of other ranks on rank 0; returns on how many ranks the test failed.
  int gather(const testing::TestInfo& test) const {
    const int mine = static_cast<int>(failures_.size());
    std::vector<int> lengths(static_cast<std::size_t>(size_)),
        starts(static_cast<std::size_t>(size_));
    MPI_Allgather(&mine, 1, MPI_INT, lengths.data(), 1, MPI_INT, handle_.get());
    int total = 0, failed = 0;
    for (std::size_t rank = 0; rank < lengths.size(); ++rank) {
      starts[rank] = total;
      total += lengths[rank];
      failed += lengths[rank] > 0 ? 1 : 0;
    }
    std::string text(static_cast<std::size_t>(total), '\0');
    MPI_Gatherv(failures_.data(), mine, MPI_CHAR, text.data(), lengths.data(), starts.data(),
                MPI_CHAR, 0, handle_.get());
    if (rank_ == 0 && failed > 0) {
      std::cout << text.substr(static_cast<std::size_t>(lengths[0])) << test.test_suite_name()
                << "." << test.name() << ": failed on " << failed << " of " << size_ << " ranks\n"
                << std::flush;
    }
    return failed;
  }

  MpiHandle handle_;
  int rank_;
  int size_;
  std::string failures_;
  bool any_failed_ = false;
};

int run_tests() {
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  auto* gather = new GatherFailures;  // owned by GoogleTest once appended
  if (spillway::comm::launch_info().rank != 0)
    delete listeners.Release(listeners.default_result_printer());
  listeners.Append(gather);
  const int code = RUN_ALL_TESTS();
  const int mine = code != 0 || gather->any_failed() ? 1 : 0;
  int worst = mine;
  MPI_Allreduce(&mine, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  delete listeners.Release(gather);  // its MPI_Comm goes before MPI does
  return worst;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const spillway::comm::MpiEnvironment mpi;
  return run_tests();
}
