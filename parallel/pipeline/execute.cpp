#include "parallel/pipeline/execute.hpp"

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <chrono>
#include <list>
#include <utility>

#include "configs/error.hpp"

namespace spillway::pipeline {
namespace {

/// A tensor on its way in. `record` is the RECV's entry in the timeline; -1 for one that was handed
/// over on this rank, whose `work` is done.
struct Incoming {
  at::Tensor tensor;
  comm::Work work;
  std::ptrdiff_t record = -1;
};

/// A tensor on its way out, which must live until its message has left.
struct Outgoing {
  at::Tensor tensor;
  comm::Work work;
  std::size_t record;
};

/// What the gradient of an output looks like.
struct Shape {
  std::vector<std::int64_t> sizes;
  at::TensorOptions options;
};

class Run {
 public:
  Run(const Schedule& lowered, const LocalStages& stages, const Edges& edges,
      const std::function<void(int)>& on_gradients_final, ActionLog& log)
      : lowered_(lowered),
        actions_(lowered.ranks.at(static_cast<std::size_t>(edges.rank()))),
        stages_(stages),
        edges_(edges),
        on_gradients_final_(on_gradients_final),
        log_(log) {
    timeline_.reserve(actions_.size());
  }

  Timeline finish() {
    for (const Action& action : actions_) {
      timeline_.push_back({.action = action});
      in_context([&] { perform(action); });
      release_sent();
    }
    in_context([&] { complete_sends(); });
    return std::move(timeline_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  /// Stage and micro-batch.
  using Key = std::pair<int, int>;

  double now() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  /// Adds rank and action to what `call` throws.
  template <typename Call>
  void in_context(const Call& call) {
    try {
      call();
    } catch (const Error& error) {
      throw Error(error.kind(), where() + error.what());
    } catch (const c10::Error& error) {
      throw Error(ErrorKind::fault, where() + error.what_without_backtrace());
    } catch (const std::exception& error) {
      throw Error(ErrorKind::fault, where() + error.what());
    }
  }

  std::string where() const {
    return "pipeline rank " + std::to_string(edges_.rank()) + ", " +
           to_string(timeline_.back().action) + " (action " + std::to_string(timeline_.size()) +
           " of " + std::to_string(actions_.size()) + "): ";
  }

  void perform(Action action) {
    log_.works(to_string(action));
    switch (action.op) {
      case Op::forward:
        return forward(action);
      case Op::backward:
        return backward(action, &Stage::backward);
      case Op::backward_input:
        return backward(action, &Stage::backward_input);
      case Op::backward_weight:
        return record_compute(0, [&] { stage(action).backward_weight(action.microbatch); });
      case Op::send_forward:
      case Op::send_backward:
        return send(action);
      case Op::recv_forward:
        return receive(action, stage(action).make_input(action.microbatch));
      case Op::recv_backward:
        return receive(action, empty_gradient(action));
      case Op::reduce_gradient:
        return record_compute(0, [&] { on_gradients_final_(action.stage); });
    }
  }

  void forward(Action action) {
    const bool first = action.stage == 0;
    auto [input, waited] = first ? std::pair<at::Tensor, double>{} : take(activations_, action);
    at::Tensor output;
    record_compute(waited,
                   [&] { output = stage(action).forward(action.microbatch, std::move(input)); });
    const int next = action.stage + 1;
    if (next == edges_.stages()) return;
    TORCH_CHECK(output.defined(), "the stage returned no activation for stage ", next);
    if (edges_.is_local(action.stage, next)) {
      activations_[{next, action.microbatch}] = {.tensor = std::move(output), .work = {}};
    } else {
      shapes_[key(action)] = {output.sizes().vec(), output.options()};
      outbox_[{action.stage, Op::send_forward, action.microbatch}] = std::move(output);
    }
  }

  /// `half`: the whole backward, or its first half; both make the gradient of the input.
  void backward(Action action, at::Tensor (Stage::*half)(int, at::Tensor)) {
    const bool last = action.stage + 1 == edges_.stages();
    auto [gradient, waited] = last ? std::pair<at::Tensor, double>{} : take(gradients_, action);
    at::Tensor input_gradient;
    record_compute(waited, [&] {
      input_gradient = (stage(action).*half)(action.microbatch, std::move(gradient));
    });
    const int previous = action.stage - 1;
    if (previous < 0) return;
    TORCH_CHECK(input_gradient.defined(), "the stage returned no gradient for stage ", previous);
    if (edges_.is_local(action.stage, previous)) {
      gradients_[{previous, action.microbatch}] = {.tensor = std::move(input_gradient), .work = {}};
    } else {
      outbox_[{action.stage, Op::send_backward, action.microbatch}] = std::move(input_gradient);
    }
  }

  void send(Action action) {
    auto node = outbox_.extract(action);
    if (node.empty()) fail("there is nothing to send");
    at::Tensor tensor = node.mapped().contiguous();
    comm::Work work = edges_.post(action, tensor);
    timeline_.back().start = timeline_.back().end = now();
    sent_.push_back({std::move(tensor), std::move(work), timeline_.size() - 1});
  }

  void receive(Action action, at::Tensor buffer) {
    comm::Work work = edges_.post(action, buffer);
    timeline_.back().start = timeline_.back().end = now();
    auto& incoming = action.op == Op::recv_forward ? activations_ : gradients_;
    const auto record = static_cast<std::ptrdiff_t>(timeline_.size()) - 1;
    incoming[key(action)] = {std::move(buffer), std::move(work), record};
  }

  /// Waits for the input of `action`: the tensor, and the seconds of waiting.
  std::pair<at::Tensor, double> take(std::map<Key, Incoming>& incoming, Action action) {
    auto node = incoming.extract(key(action));
    if (node.empty()) {
      const Op op = action.op == Op::forward ? Op::recv_forward : Op::recv_backward;
      fail("needs " + describe({action.stage, op, action.microbatch}) +
           ", which the schedule does not have before it");
    }
    const auto& [tensor, work, record] = node.mapped();
    if (record < 0) return {tensor, 0.0};
    TimedAction& received = timeline_[static_cast<std::size_t>(record)];
    const double begin = now();
    wait(work, received.action);
    received.end = now();
    log_.works(to_string(action));
    return {tensor, received.end - begin};
  }

  /// Waits for the end of a SEND or RECV.
  void wait(const comm::Work& work, Action message) {
    if (!work.done()) log_.waits(describe(message));
    try {
      work.wait();
    } catch (const comm::TagMismatch& error) {
      if (is_send(message.op)) throw;
      throw Error(ErrorKind::fault, "waits for " + describe(message) + ", which sent " +
                                        name_of(error.came(), message) + ": " + error.what());
    }
  }

  std::string describe(Action message) const {
    return to_string(message) + (is_send(message.op) ? " to rank " : " from rank ") +
           std::to_string(edges_.world_peer(message));
  }

  /// What the other end of `message` sends under a tag.
  std::string name_of(int tag, Action message) const {
    for (const Action& other : lowered_.ranks[static_cast<std::size_t>(edges_.peer(message))]) {
      if (is_send(other.op) && tag_of(other) == tag) return to_string(other);
    }
    return "what the schedule does not have";
  }

  at::Tensor empty_gradient(Action action) {
    auto node = shapes_.extract(key(action));
    if (node.empty()) fail("a gradient is received before its forward");
    return at::empty(node.mapped().sizes, node.mapped().options);
  }

  template <typename Call>
  void record_compute(double waited, const Call& call) {
    const double start = now();
    call();
    const double end = now();
    timeline_.back() = {timeline_.back().action, start, end, waited};
  }

  /// Lets go of what has left.
  void release_sent() {
    for (auto it = sent_.begin(); it != sent_.end();) {
      if (!it->work.done()) {
        ++it;
        continue;
      }
      in_context([&] { complete(*it); });
      it = sent_.erase(it);
    }
  }

  void complete_sends() {
    for (Outgoing& outgoing : sent_) complete(outgoing);
    sent_.clear();
  }

  void complete(Outgoing& outgoing) {
    wait(outgoing.work, timeline_[outgoing.record].action);
    timeline_[outgoing.record].end = now();
  }

  Stage& stage(Action action) const {
    const auto found = stages_.find(action.stage);
    if (found == stages_.end()) fail("the rank does not have this stage");
    return *found->second;
  }

  static Key key(Action action) { return {action.stage, action.microbatch}; }

  const Schedule& lowered_;
  const std::vector<Action>& actions_;
  const LocalStages& stages_;
  const Edges& edges_;
  const std::function<void(int)>& on_gradients_final_;
  ActionLog& log_;
  Clock::time_point begin_ = Clock::now();
  Timeline timeline_;
  std::map<Key, Incoming> activations_, gradients_;
  std::map<Key, Shape> shapes_;
  std::map<Action, at::Tensor> outbox_;
  std::list<Outgoing> sent_;
};

}  // namespace

Timeline execute(const Schedule& lowered, const LocalStages& stages, const Edges& edges,
                 const std::function<void(int stage)>& on_gradients_final, ActionLog& log) {
  return Run(lowered, stages, edges, on_gradients_final, log).finish();
}

}  // namespace spillway::pipeline
