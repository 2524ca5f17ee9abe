// Runs the tests of vector kernels once for each instruction set that was compiled and that this
// processor has, from the best one to plain C++: the ends of rows take other paths on each.
#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdint>
#include <cstdio>

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  int result = 0;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();  // the next call of a kernel chooses anew
    std::printf("instruction set %s\n", hwy::TargetName(target));
    std::fflush(stdout);
    result |= RUN_ALL_TESTS();
  }
  return result;
}
