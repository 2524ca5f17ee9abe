#include "parallel/pipeline/schedules/registry.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "configs/error.hpp"
#include "parallel/pipeline/csv.hpp"
#include "parallel/pipeline/schedules/dual_pipe_v.hpp"
#include "parallel/pipeline/schedules/gpipe.hpp"
#include "parallel/pipeline/schedules/interleaved_one_f_one_b.hpp"
#include "parallel/pipeline/schedules/interleaved_zb.hpp"
#include "parallel/pipeline/schedules/looped_bfs.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "parallel/pipeline/schedules/v_half.hpp"
#include "parallel/pipeline/schedules/v_min.hpp"
#include "parallel/pipeline/schedules/zb_h1.hpp"
#include "parallel/pipeline/schedules/zb_h2.hpp"
#include "parallel/pipeline/schedules/zbv.hpp"
#include "parallel/pipeline/validate.hpp"

namespace spillway::pipeline {
namespace {

constexpr std::string_view kFilePrefix = "csv:";

enum class Chunks : std::uint8_t { one, any, two };

struct Generator {
  std::string_view name;
  Chunks chunks;
  Schedule (*generate)(const ScheduleShape& shape);
};

/// A generator for a fixed number of chunks.
template <Schedule (*generate)(int ranks, int microbatches)>
Schedule of_ranks(const ScheduleShape& shape) {
  return generate(shape.ranks, shape.microbatches);
}

constexpr std::array kGenerators{
    Generator{"gpipe", Chunks::one, of_ranks<gpipe>},
    Generator{"1f1b", Chunks::one, of_ranks<one_f_one_b>},
    Generator{"interleaved-1f1b", Chunks::any, interleaved_one_f_one_b},
    Generator{"looped-bfs", Chunks::any, looped_bfs},
    Generator{"zb-h1", Chunks::one, of_ranks<zb_h1>},
    Generator{"zb-h2", Chunks::one, of_ranks<zb_h2>},
    Generator{"interleaved-zb", Chunks::any, interleaved_zb},
    Generator{"zbv", Chunks::two, of_ranks<zbv>},
    Generator{"v-half", Chunks::two, of_ranks<v_half>},
    Generator{"v-min", Chunks::two, of_ranks<v_min>},
    Generator{"dualpipev", Chunks::two, of_ranks<dual_pipe_v>}};

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

bool is_file(const std::string& name) { return name.starts_with(kFilePrefix); }

const Generator& find_generator(const std::string& name) {
  const auto* const found = std::ranges::find(kGenerators, name, &Generator::name);
  if (found != kGenerators.end()) return *found;
  std::string valid;
  for (const std::string& known : schedule_names()) valid += known + " | ";
  fail_choice("parallel.schedule", name, valid + "auto | " + std::string(kFilePrefix) + "FILE");
}

Schedule generate(const std::string& name, const ScheduleShape& shape) {
  if (is_file(name)) return read_csv(name.substr(kFilePrefix.size()));
  return find_generator(name).generate(shape);
}

/// Chunks of a file's schedule; 1 where its stages do not divide among its ranks.
int chunks_of_file(const std::string& name) {
  const Schedule schedule = read_csv(name.substr(kFilePrefix.size()));
  const auto stages = rank_of_stage(schedule);
  const bool whole = std::ranges::find(stages, -1) == stages.end();
  const std::size_t ranks = schedule.ranks.size();
  const bool divides = whole && !stages.empty() && stages.size() % ranks == 0;
  return divides ? static_cast<int>(stages.size() / ranks) : 1;
}

}  // namespace

const std::vector<std::string>& schedule_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    list.reserve(kGenerators.size());
    for (const Generator& generator : kGenerators) list.emplace_back(generator.name);
    return list;
  }();
  return names;
}

int chunks_of(const std::string& name, int requested) {
  if (is_file(name) && requested == 1) return chunks_of_file(name);
  const auto refuse = [&](const std::string& has, const std::string& valid) {
    fail_input("parallel.schedule = \"" + name + "\" has " + has +
               " a rank; parallel.chunks = " + std::to_string(requested) + "; valid: " + valid);
  };
  const Chunks chunks = is_file(name) ? Chunks::any : find_generator(name).chunks;
  if (chunks == Chunks::any && requested < 1) refuse("any number of chunks", "1 or more");
  if (chunks == Chunks::one && requested != 1) refuse("one chunk", "1");
  if (chunks != Chunks::two) return requested;
  if (requested != 1 && requested != 2) refuse("two chunks", "2, or 1 (the default) for these two");
  return 2;
}

Schedule make_schedule(const std::string& name, ScheduleShape shape) {
  shape.chunks = chunks_of(name, shape.chunks);
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
