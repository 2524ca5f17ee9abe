#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace spillway::pipeline {

/// What one action does. `backward` is the whole backward of a micro-batch; `backward_input` and
/// `backward_weight` are its two halves (Qi et al. 2024, arXiv:2401.10241): the gradient of the
/// stage's input, and that of its weights. `recompute` repeats the part of a forward that kept only
/// its input, before the backward (Chen et al. 2016, arXiv:1604.06174).
enum class Op : std::uint8_t {
  forward,
  recompute,
  backward_input,
  backward_weight,
  backward,
  send_forward,
  recv_forward,
  send_backward,
  recv_backward,
  reduce_gradient,
};
inline constexpr std::size_t kOps = 10;

/// The word of the text form: F R I W B SEND_F RECV_F SEND_B RECV_B REDUCE_GRAD.
std::string_view to_string(Op op);

/// One step of one stage. A SEND names the stage that made the tensor, a RECV the stage that needs
/// it.
struct Action {
  int stage = 0;
  Op op = Op::forward;
  int microbatch = 0;  ///< 0 for REDUCE_GRAD, which covers all micro-batches
  auto operator<=>(const Action&) const = default;
};

constexpr bool is_compute(Op op) { return op <= Op::backward; }
constexpr bool is_send(Op op) { return op == Op::send_forward || op == Op::send_backward; }
constexpr bool is_recv(Op op) { return op == Op::recv_forward || op == Op::recv_backward; }
/// Makes the gradient of the stage's input.
constexpr bool makes_input_gradient(Op op) {
  return op == Op::backward || op == Op::backward_input;
}
/// Adds to the weight gradients, after which the activations of the micro-batch are free.
constexpr bool adds_weight_gradient(Op op) {
  return op == Op::backward || op == Op::backward_weight;
}

/// The other end of a SEND or RECV: 1SEND_F3 <-> 2RECV_F3, 1SEND_B3 <-> 0RECV_B3.
Action counterpart(Action action);

/// "2F0", "1SEND_B3", "0REDUCE_GRAD"; the words of torch.distributed.pipelining.
std::string to_string(Action action);

/// Stages and micro-batches that a text can name are below this.
inline constexpr int kNumberLimit = 1'000'000;

/// The exact inverse of to_string: parse_action(to_string(a)) == a, and nothing else is accepted,
/// neither spaces nor leading zeros. Throws Error(input) with the text, the position (from 1) and
/// what would be valid there.
Action parse_action(std::string_view text);

}  // namespace spillway::pipeline

template <>
struct std::hash<spillway::pipeline::Action> {
  std::size_t operator()(const spillway::pipeline::Action& action) const noexcept {
    const auto stage = static_cast<std::uint64_t>(action.stage);
    const auto microbatch = static_cast<std::uint64_t>(action.microbatch);
    return std::hash<std::uint64_t>{}(stage << 40U | microbatch << 4U |
                                      static_cast<std::uint64_t>(action.op));
  }
};
