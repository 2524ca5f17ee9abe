#include "parallel/pipeline/schedules/registry.hpp"

#include <array>
#include <cstdint>

#include "configs/error.hpp"
#include "parallel/pipeline/csv.hpp"
#include "parallel/pipeline/schedules/gpipe.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "parallel/pipeline/validate.hpp"

namespace spillway::pipeline {
namespace {

constexpr std::string_view kFilePrefix = "csv:";

/// A schedule of one stage a rank.
struct Generator {
  std::string_view name;
  Schedule (*generate)(int ranks, int microbatches);
};
constexpr std::array kGenerators{Generator{"gpipe", gpipe}, Generator{"1f1b", one_f_one_b}};

void check_size(const ScheduleShape& shape) {
  constexpr std::int64_t kMost = 10'000'000;
  const std::int64_t ranks = shape.ranks, chunks = shape.chunks, microbatches = shape.microbatches;
  const bool positive = ranks >= 1 && chunks >= 1 && microbatches >= 1;
  if (positive && ranks <= kMost / chunks && microbatches <= kMost / (ranks * chunks)) return;
  fail_input("a schedule of " + std::to_string(ranks) + " ranks x " + std::to_string(chunks) +
             " chunks x " + std::to_string(microbatches) +
             " micro-batches; each must be at least 1, their product at most " +
             std::to_string(kMost));
}

Schedule generate(const std::string& name, const ScheduleShape& shape) {
  if (name.starts_with(kFilePrefix)) return read_csv(name.substr(kFilePrefix.size()));
  for (const Generator& generator : kGenerators) {
    if (name != generator.name) continue;
    if (shape.chunks != 1) {
      fail_input("parallel.schedule = \"" + name +
                 "\" has one chunk a rank; parallel.chunks = " + std::to_string(shape.chunks));
    }
    return generator.generate(shape.ranks, shape.microbatches);
  }
  fail_choice("parallel.schedule", name, schedule_names());
}

}  // namespace

const std::string& schedule_names() {
  static const std::string names = [] {
    std::string list;
    for (const Generator& generator : kGenerators) list += std::string(generator.name) + " | ";
    return list + std::string(kFilePrefix) + "FILE";
  }();
  return names;
}

Schedule make_schedule(const std::string& name, const ScheduleShape& shape) {
  check_size(shape);
  Schedule schedule = generate(name, shape);
  try {
    validate(schedule, shape);
  } catch (const Error& error) {
    fail_input("parallel.schedule = \"" + name + "\": " + error.what());
  }
  return schedule;
}

}  // namespace spillway::pipeline
