#include "parallel/pipeline/timeline_svg.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/pipeline/schedules/gpipe.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::HasSubstr;
using testing::Not;

Prediction predicted(const std::string& name, const ScheduleShape& shape,
                     const Schedule& schedule) {
  const auto stages = static_cast<std::size_t>(shape.stages());
  const Workload workload{.costs = uniform_costs(shape.stages(), 1, 1, 1),
                          .memory = std::vector<StageMemory>(stages, {.activation_bytes = 1})};
  return predict(name, shape, schedule, workload);
}

int count(const std::string& text, const std::string& word) {
  int found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    ++found;
  }
  return found;
}

TEST(TimelineSvg, DrawsEachActionOnceInItsPlaceAndColour) {
  const std::string svg =
      timeline_svg(predicted("gpipe", {.ranks = 2, .microbatches = 1}, gpipe(2, 1)), "units");
  EXPECT_EQ(count(svg, "</title></rect>"), 4);
  EXPECT_EQ(count(svg, "fill=\"#4c78a8\" fill-opacity"), 2);
  EXPECT_EQ(count(svg, "fill=\"#e08a3c\" fill-opacity"), 2);
  // 6 units are 1110 wide from 70 on: 1F0 from 1 to 2, 0B0 from 4 to 6.
  EXPECT_THAT(svg, HasSubstr("<rect x=\"255.00\" y=\"110.00\" width=\"185.00\""));
  EXPECT_THAT(svg, HasSubstr("<rect x=\"810.00\" y=\"64.00\" width=\"370.00\""));
  EXPECT_THAT(svg, HasSubstr(">1F0 1 to 2</title>"));
  EXPECT_THAT(svg, HasSubstr("gpipe: makespan 6 units, bubble 50.0 %, at most 1 activations"));
}

TEST(TimelineSvg, LegendShowsWhatIsThereAndTextIsEscaped) {
  const std::string svg = timeline_svg(
      predicted("csv:a<b&c", {.ranks = 1, .chunks = 2}, from_text("0F0 1F0 1I0 1W0 0I0 0W0")),
      "ms");
  EXPECT_THAT(svg, HasSubstr("csv:a&lt;b&amp;c"));
  EXPECT_THAT(svg, HasSubstr(">weight gradient<"));
  EXPECT_THAT(svg, Not(HasSubstr(">backward<")));
  EXPECT_THAT(svg, HasSubstr(">1F0<"));  // stages are named where a rank has several
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

}  // namespace
}  // namespace spillway::pipeline
