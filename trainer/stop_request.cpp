#include "trainer/stop_request.hpp"

#include <csignal>

namespace spillway::trainer {
namespace {

volatile std::sig_atomic_t asked_to_stop = 0;

extern "C" void note_stop(int signal) {
  asked_to_stop = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

StopRequest::StopRequest() {
  asked_to_stop = 0;
  std::signal(SIGTERM, note_stop);
  std::signal(SIGUSR1, note_stop);
}

StopRequest::~StopRequest() {
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGUSR1, SIG_DFL);
}

bool StopRequest::pending() { return asked_to_stop != 0; }

}  // namespace spillway::trainer
