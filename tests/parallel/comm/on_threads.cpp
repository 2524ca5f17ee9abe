#include <thread>

#include "parallel/comm/thread_communicator.hpp"
#include "tests/parallel/comm/conformance.hpp"

namespace spillway::comm {

void on_threads(int size, const std::function<void(Communicator&)>& body) {
  std::vector<std::unique_ptr<Communicator>> group = make_thread_group(size);
  std::vector<std::thread> ranks;
  for (std::unique_ptr<Communicator>& mine : group) {
    ranks.emplace_back([&body, rank = std::move(mine)]() mutable {
      try {
        const std::unique_ptr<Communicator> communicator = std::move(rank);
        body(*communicator);
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
    });
  }
  for (std::thread& rank : ranks) rank.join();
}

}  // namespace spillway::comm
