#include "parallel/pipeline/schedules/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "parallel/pipeline/schedules/gpipe.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::HasSubstr;

std::string refused(const std::string& name, const ScheduleShape& shape) {
  return complaint([&] { make_schedule(name, shape); });
}

TEST(Registry, NamesGiveTheirSchedule) {
  const ScheduleShape shape{.ranks = 3, .microbatches = 5};
  EXPECT_EQ(make_schedule("gpipe", shape), gpipe(3, 5));
  EXPECT_EQ(make_schedule("1f1b", shape), one_f_one_b(3, 5));
}

TEST(Registry, OneForwardOneBackwardStandsAsInThePaper) {
  EXPECT_EQ(to_text(one_f_one_b(3, 4)),
            "0F0 0F1 0F2 0B0 0F3 0B1 0B2 0B3\n"
            "1F0 1F1 1B0 1F2 1B1 1F3 1B2 1B3\n"
            "2F0 2B0 2F1 2B1 2F2 2B2 2F3 2B3\n");
  EXPECT_EQ(to_text(one_f_one_b(3, 1)), "0F0 0B0\n1F0 1B0\n2F0 2B0\n");
  EXPECT_EQ(to_text(gpipe(2, 2)), "0F0 0F1 0B0 0B1\n1F0 1F1 1B0 1B1\n");
}

TEST(Registry, UnknownNamesAndImpossibleSizesAreRefused) {
  EXPECT_THAT(refused("gpip", {}),
              HasSubstr("| dualpipev | auto | csv:FILE; did you mean \"gpipe\"?"));
  EXPECT_THAT(refused("1f1b", {.ranks = 2, .microbatches = 0}),
              HasSubstr("2 ranks x 1 chunks x 0 micro-batches; each must be at least 1"));
  EXPECT_THAT(refused("1f1b", {.ranks = 2, .microbatches = 2'000'000'000}),
              HasSubstr("at most 10000000"));
}

TEST(Registry, EachScheduleHasItsChunks) {
  EXPECT_EQ(chunks_of("1f1b", 1), 1);
  EXPECT_EQ(chunks_of("interleaved-1f1b", 3), 3);
  EXPECT_EQ(chunks_of("csv:any.csv", 5), 5);
  for (const std::string name : {"zbv", "v-half", "v-min", "dualpipev"}) {
    EXPECT_EQ(chunks_of(name, 1), 2) << name;
    EXPECT_EQ(chunks_of(name, 2), 2) << name;
    EXPECT_EQ(count_stages(make_schedule(name, {.ranks = 4, .microbatches = 8})), 8) << name;
  }
}

TEST(Registry, ChunksThatAScheduleDoesNotHaveAreRefusedInOneLine) {
  EXPECT_EQ(refused("zb-h1", {.ranks = 2, .chunks = 2}),
            "parallel.schedule = \"zb-h1\" has one chunk a rank; parallel.chunks = 2; valid: 1");
  EXPECT_EQ(
      refused("zbv", {.ranks = 2, .chunks = 3}),
      "parallel.schedule = \"zbv\" has two chunks a rank; parallel.chunks = 3; valid: 2, or 1 "
      "(the default) for these two");
  EXPECT_EQ(refused("looped-bfs", {.ranks = 2, .chunks = 0}),
            "parallel.schedule = \"looped-bfs\" has any number of chunks a rank; parallel.chunks = "
            "0; valid: 1 or more");
}

TEST(Registry, FilesAreReadAndCheckedAgainstTheSizeOfTheRun) {
  const std::string path = testing::TempDir() + "/spillway_registry_test.csv";
  std::ofstream(path) << "0F0,0F1,3F0,3B0,3F1,3B1,0B0,0B1\n1F0,2F0,1F1,2B0,2F1,1B0,2B1,1B1\n";
  EXPECT_EQ(
      rank_of_stage(make_schedule("csv:" + path, {.ranks = 2, .chunks = 2, .microbatches = 2})),
      (std::vector{0, 1, 1, 0}));
  EXPECT_EQ(chunks_of("csv:" + path, 1), 2);
  EXPECT_THAT(refused("csv:" + path, {.ranks = 2, .chunks = 3, .microbatches = 2}),
              HasSubstr("4F0 is missing"));
  const std::string message = refused("csv:" + path, {.ranks = 2, .microbatches = 3});
  EXPECT_THAT(message, HasSubstr("spillway_registry_test.csv"));
  EXPECT_THAT(message, HasSubstr("0F2 is missing"));
  EXPECT_THAT(refused("csv:" + path, {.ranks = 4, .chunks = 1, .microbatches = 2}),
              HasSubstr("the schedule has 2 ranks, the pipeline has 4"));
}

}  // namespace
}  // namespace spillway::pipeline
