#include "parallel/pipeline/chrome_trace.hpp"

#include <array>
#include <cstdio>
#include <map>

#include "parallel/pipeline/route.hpp"

namespace spillway::pipeline {
namespace {

constexpr int kRanks = 0, kTransfers = 1;
constexpr double kMicroseconds = 1000;

/// A number that reads back as the same.
std::string exact(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.17g", number);
  return text.data();
}

const char* kind_of(Op op) {
  switch (op) {
    case Op::forward:
      return "forward";
    case Op::recompute:
      return "recompute";
    case Op::backward_input:
      return "backward_input";
    case Op::backward_weight:
      return "weight";
    case Op::backward:
      return "backward";
    default:
      return "transfer";
  }
}

/// The events, in the order in which they are added.
class Trace {
 public:
  void name(const char* what, int process, int thread, const std::string& name) {
    add("{\"ph\":\"M\",\"name\":\"" + std::string(what) + "\"" + where(process, thread) +
        ",\"args\":{\"name\":\"" + name + "\"}}");
  }

  void span(const TimedAction& timed, int process, int thread) {
    add("{\"ph\":\"X\",\"name\":\"" + to_string(timed.action) + "\",\"cat\":\"" +
        kind_of(timed.action.op) + "\"" + where(process, thread) + at(timed.start) +
        ",\"dur\":" + exact((timed.end - timed.start) * kMicroseconds) + "}");
  }

  void memory(int rank, const MemorySample& sample) {
    add("{\"ph\":\"C\",\"name\":\"memory of rank " + std::to_string(rank) + "\"" +
        where(kRanks, rank) + at(sample.time) + ",\"args\":{\"activations\":" +
        exact(sample.activation_bytes) + ",\"gradients\":" + exact(sample.gradient_bytes) +
        ",\"buffers\":" + exact(sample.buffer_bytes) + "}}");
  }

  std::string text() const {
    return R"({"displayTimeUnit":"ms","traceEvents":[)" + events_ + "]}\n";
  }

 private:
  static std::string where(int process, int thread) {
    return ",\"pid\":" + std::to_string(process) + ",\"tid\":" + std::to_string(thread);
  }
  static std::string at(double time) { return ",\"ts\":" + exact(time * kMicroseconds); }
  void add(const std::string& event) { events_ += (events_.empty() ? "\n" : ",\n") + event; }

  std::string events_;
};

/// Gives each transfer of a route a thread on which no other is at that time.
class Lanes {
 public:
  explicit Lanes(Trace& trace) : trace_(trace) {}

  int thread(const Route& route, const TimedAction& transfer) {
    auto& lanes = lanes_[route];
    for (Lane& lane : lanes) {
      if (lane.busy_until > transfer.start) continue;
      lane.busy_until = transfer.end;
      return lane.thread;
    }
    lanes.push_back({next_, transfer.end});
    trace_.name("thread_name", kTransfers, next_, to_string(route));
    return next_++;
  }

 private:
  struct Lane {
    int thread;
    double busy_until;
  };
  Trace& trace_;
  std::map<Route, std::vector<Lane>> lanes_;
  int next_ = 0;
};

}  // namespace

std::string chrome_trace(const Prediction& prediction) {
  Trace trace;
  trace.name("process_name", kRanks, 0, prediction.name);
  trace.name("process_name", kTransfers, 0, "transfers");
  Lanes lanes(trace);
  const std::vector<int> placement = rank_of_stage(prediction.compute);
  const auto& ranks = prediction.simulation.ranks;
  for (int rank = 0; rank < static_cast<int>(ranks.size()); ++rank) {
    const auto i = static_cast<std::size_t>(rank);
    trace.name("thread_name", kRanks, rank, "rank " + std::to_string(rank));
    for (const TimedAction& timed : ranks[i]) {
      if (is_compute(timed.action.op)) trace.span(timed, kRanks, rank);
      if (!is_send(timed.action.op)) continue;
      const auto route = route_of(timed.action, placement, static_cast<int>(ranks.size()));
      trace.span(timed, kTransfers, lanes.thread(*route, timed));
    }
    for (const MemorySample& sample : prediction.memory[i].samples) trace.memory(rank, sample);
  }
  return trace.text();
}

}  // namespace spillway::pipeline
