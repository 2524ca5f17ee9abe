#include "parallel/pipeline/action.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::HasSubstr;

TEST(Action, ParsingWhatIsPrintedGivesTheSameActionForEveryOp) {
  for (std::size_t op = 0; op < kOps; ++op) {
    for (const int stage : {0, 7, 10, 999999}) {
      for (const int microbatch : {0, 9, 511, 999999}) {
        Action action{stage, static_cast<Op>(op), microbatch};
        if (action.op == Op::reduce_gradient) action.microbatch = 0;
        EXPECT_EQ(parse_action(to_string(action)), action) << to_string(action);
      }
    }
  }
}

TEST(Action, TextIsThatOfTorchPipelining) {
  EXPECT_EQ(to_string(Action{2, Op::forward, 0}), "2F0");
  EXPECT_EQ(to_string(Action{1, Op::send_backward, 3}), "1SEND_B3");
  EXPECT_EQ(to_string(Action{0, Op::reduce_gradient, 0}), "0REDUCE_GRAD");
  EXPECT_EQ(parse_action("12W345"), (Action{12, Op::backward_weight, 345}));
}

TEST(Action, MalformedTextIsRefusedWithItsPosition) {
  const auto refused = [](const char* text) { return complaint([&] { parse_action(text); }); };
  EXPECT_THAT(refused(""), HasSubstr("character 1: expected a stage number"));
  EXPECT_THAT(refused("F0"), HasSubstr("character 1: expected a stage number"));
  EXPECT_THAT(refused("-1F0"), HasSubstr("character 1"));
  EXPECT_THAT(refused("2X0"), HasSubstr("character 2: expected F | R | I | W | B | SEND_F"));
  EXPECT_THAT(refused("2f0"), HasSubstr("character 2"));
  EXPECT_THAT(refused("12SEND_G4"), HasSubstr("character 3"));
  EXPECT_THAT(refused("2F"), HasSubstr("character 3: expected a micro-batch number"));
  EXPECT_THAT(refused("2F0x"), HasSubstr("character 4: expected the end"));
  EXPECT_THAT(refused("2F0 "), HasSubstr("character 4: expected the end"));
  EXPECT_THAT(refused("2REDUCE_GRAD0"), HasSubstr("character 13: expected the end"));
  EXPECT_THAT(refused("02F0"), HasSubstr("without leading zeros"));
  EXPECT_THAT(refused("2F1000000"),
              HasSubstr("character 3: expected a micro-batch number below 1000000"));
  EXPECT_THAT(refused("99999999999999999999F0"), HasSubstr("a stage number below 1000000"));
  EXPECT_THAT(refused(" 2F0"), HasSubstr("character 1"));
}

TEST(Action, CounterpartIsItsOwnInverse) {
  for (const char* text : {"1SEND_F3", "2RECV_F3", "2SEND_B0", "1RECV_B0"}) {
    const Action action = parse_action(text);
    EXPECT_EQ(counterpart(counterpart(action)), action);
  }
  EXPECT_EQ(to_string(counterpart(parse_action("1SEND_F3"))), "2RECV_F3");
  EXPECT_EQ(to_string(counterpart(parse_action("1SEND_B3"))), "0RECV_B3");
}

}  // namespace
}  // namespace spillway::pipeline
