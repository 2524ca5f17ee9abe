// spillway_lab_relay DELAY_US NAMESPACE...: a switch between network namespaces that passes every
// frame on DELAY_US microseconds late. Opens a TAP device "eth0" in each namespace (ip netns),
// prints "ready", and runs until it is ended; the devices go with it. The kernel's own delay queue
// (tc netem) is missing from many kernels. Frames carry the virtio header, so that segments of up
// to 64 KiB cross in one piece.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Address = std::array<std::uint8_t, ETH_ALEN>;

constexpr std::size_t kHeaderBytes = 10;  // struct virtio_net_hdr
constexpr std::size_t kLongestFrame = kHeaderBytes + ETH_HLEN + 65536;
constexpr std::size_t kMostQueuedBytes = 256UL << 20;  // then frames are lost, as in a full switch

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

/// A TAP device in the namespace; leaves this thread in it.
int open_tap(const std::string& name_space) {
  const std::string path = "/run/netns/" + name_space;
  const int space = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (space < 0 || setns(space, CLONE_NEWNET) != 0) fail(path);
  close(space);
  const int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ifreq request{};
  std::strncpy(request.ifr_name, "eth0", IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (tap < 0 || ioctl(tap, TUNSETIFF, &request) != 0) fail("TAP device in " + name_space);
  ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4);  // without it, single packets cross
  return tap;
}

struct Frame {
  Clock::time_point due;
  std::size_t from;
  std::vector<std::uint8_t> bytes;

  Address address(std::size_t offset) const {
    Address result{};
    std::memcpy(result.data(), bytes.data() + kHeaderBytes + offset, ETH_ALEN);
    return result;
  }
};

class Relay {
 public:
  Relay(Clock::duration delay, const std::vector<std::string>& name_spaces) : delay_(delay) {
    for (const std::string& name_space : name_spaces)
      ports_.push_back({open_tap(name_space), POLLIN, 0});
  }

  [[noreturn]] void run() {
    for (;;) {
      wait();
      for (std::size_t port = 0; port < ports_.size(); ++port) {
        if ((ports_[port].revents & POLLIN) != 0) take_frames(port);
      }
      while (!queue_.empty() && queue_.front().due <= Clock::now()) pass_on_first();
    }
  }

 private:
  void wait() {
    timespec pause{};
    if (!queue_.empty()) {
      const auto left = std::max(Clock::duration::zero(), queue_.front().due - Clock::now());
      pause.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
      pause.tv_nsec = (left % std::chrono::seconds(1)).count();
    }
    if (ppoll(ports_.data(), ports_.size(), queue_.empty() ? nullptr : &pause, nullptr) < 0 &&
        errno != EINTR) {
      fail("ppoll");
    }
  }

  void take_frames(std::size_t port) {
    for (int i = 0; i < 64; ++i) {
      const ssize_t length = read(ports_[port].fd, buffer_.data(), buffer_.size());
      if (length < static_cast<ssize_t>(kHeaderBytes + ETH_HLEN)) return;
      Frame frame{Clock::now() + delay_, port, {buffer_.begin(), buffer_.begin() + length}};
      port_of_[frame.address(ETH_ALEN)] = port;
      if (queued_bytes_ + frame.bytes.size() > kMostQueuedBytes) continue;
      queued_bytes_ += frame.bytes.size();
      queue_.push_back(std::move(frame));
    }
  }

  void pass_on_first() {
    const Frame& frame = queue_.front();
    const auto known = port_of_.find(frame.address(0));
    for (std::size_t port = 0; port < ports_.size(); ++port) {
      const bool wanted = known == port_of_.end() ? port != frame.from : port == known->second;
      // A device that is down or full loses the frame, as a network does.
      if (wanted && write(ports_[port].fd, frame.bytes.data(), frame.bytes.size()) < 0) ++lost_;
    }
    queued_bytes_ -= frame.bytes.size();
    queue_.pop_front();
  }

  Clock::duration delay_;
  std::vector<pollfd> ports_;
  std::map<Address, std::size_t> port_of_;
  std::deque<Frame> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t lost_ = 0;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(kLongestFrame);
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: spillway_lab_relay DELAY_US NAMESPACE NAMESPACE...\n";
    return 2;
  }
  try {
    Relay relay(std::chrono::microseconds(std::stoll(argv[1])), {argv + 2, argv + argc});
    prctl(PR_SET_TIMERSLACK, 1000UL);  // nanoseconds
    std::cout << "ready" << std::endl;
    relay.run();
  } catch (const std::exception& error) {
    std::cerr << "spillway_lab_relay: " << error.what() << "\n";
    return 3;
  }
}
