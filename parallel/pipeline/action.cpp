#include "parallel/pipeline/action.hpp"

#include <array>
#include <charconv>

#include "configs/error.hpp"

namespace spillway::pipeline {
namespace {

constexpr std::array<std::string_view, kOps> kWords{
    "F", "R", "I", "W", "B", "SEND_F", "RECV_F", "SEND_B", "RECV_B", "REDUCE_GRAD"};

[[noreturn]] void complain(std::string_view text, std::size_t at, const std::string& expected) {
  fail_input("action \"" + std::string(text) + "\", character " + std::to_string(at + 1) +
             ": expected " + expected);
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads a number at `at` and moves behind it.
int read_number(std::string_view text, std::size_t& at, const std::string& what) {
  const std::size_t first = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  if (at == first) complain(text, first, what);
  if (text[first] == '0' && at > first + 1) complain(text, first, what + " without leading zeros");
  int number = 0;
  const auto result = std::from_chars(text.data() + first, text.data() + at, number);
  if (result.ec != std::errc() || number >= kNumberLimit) {
    complain(text, first, what + " below " + std::to_string(kNumberLimit));
  }
  return number;
}

Op read_op(std::string_view text, std::size_t& at) {
  const std::size_t first = at;
  while (at < text.size() && !is_digit(text[at])) ++at;
  const std::string_view word = text.substr(first, at - first);
  for (std::size_t i = 0; i < kOps; ++i) {
    if (word == kWords[i]) return static_cast<Op>(i);
  }
  complain(text, first, "F | R | I | W | B | SEND_F | RECV_F | SEND_B | RECV_B | REDUCE_GRAD");
}

}  // namespace

std::string_view to_string(Op op) { return kWords.at(static_cast<std::size_t>(op)); }

Action counterpart(Action action) {
  switch (action.op) {
    case Op::send_forward:
      return {action.stage + 1, Op::recv_forward, action.microbatch};
    case Op::recv_forward:
      return {action.stage - 1, Op::send_forward, action.microbatch};
    case Op::send_backward:
      return {action.stage - 1, Op::recv_backward, action.microbatch};
    case Op::recv_backward:
      return {action.stage + 1, Op::send_backward, action.microbatch};
    default:
      fail(to_string(action) + " has no counterpart on another rank");
  }
}

std::string to_string(Action action) {
  std::string text = std::to_string(action.stage);
  text += to_string(action.op);
  if (action.op != Op::reduce_gradient) text += std::to_string(action.microbatch);
  return text;
}

Action parse_action(std::string_view text) {
  std::size_t at = 0;
  Action action;
  action.stage = read_number(text, at, "a stage number");
  action.op = read_op(text, at);
  if (action.op != Op::reduce_gradient) {
    action.microbatch = read_number(text, at, "a micro-batch number");
  }
  if (at != text.size()) complain(text, at, "the end");
  return action;
}

}  // namespace spillway::pipeline
