#include "trainer/observe/trace.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "trainer/checkpoint/agreement.hpp"
#include "trainer/checkpoint/durable_file.hpp"

namespace spillway::trainer {
namespace {

using nlohmann::json;

constexpr double kMicroseconds = 1e6;

const char* to_string(Track track) { return track == Track::predicted ? "predicted" : "measured"; }

json name_event(const char* what, int rank, int thread, const std::string& name) {
  return {{"ph", "M"}, {"name", what}, {"pid", rank}, {"tid", thread}, {"args", {{"name", name}}}};
}

json span_event(const Span& span) {
  return {{"ph", "X"},
          {"name", span.name},
          {"cat", span.kind},
          {"pid", span.rank},
          {"tid", static_cast<int>(span.track)},
          {"ts", span.start_s * kMicroseconds},
          {"dur", (span.end_s - span.start_s) * kMicroseconds}};
}

}  // namespace

std::string chrome_trace(const std::vector<Span>& spans) {
  json events = json::array();
  std::set<std::pair<int, Track>> threads;
  for (const Span& span : spans) threads.emplace(span.rank, span.track);
  for (const auto& [rank, track] : threads) {
    events.push_back(name_event("process_name", rank, 0, "rank " + std::to_string(rank)));
    events.push_back(name_event("thread_name", rank, static_cast<int>(track), to_string(track)));
  }
  for (const Span& span : spans) events.push_back(span_event(span));
  return json{{"displayTimeUnit", "ms"}, {"traceEvents", events}}.dump() + "\n";
}

std::filesystem::path write_trace(const std::filesystem::path& run_dir, std::int64_t step,
                                  const std::vector<Span>& spans) {
  std::filesystem::create_directories(run_dir / "traces");
  auto path = run_dir / "traces" / ("step-" + std::to_string(step) + ".json");
  write_file_durably(path, chrome_trace(spans));
  return path;
}

std::vector<Span> gather_spans(comm::Communicator& world, const std::vector<Span>& mine) {
  json rows = json::array();
  for (const Span& span : mine) {
    rows.push_back({span.rank, span.name, span.start_s, span.end_s, span.kind, span.track});
  }
  const std::vector<std::string> texts = gather_text(world, rows.dump());
  std::vector<Span> all;
  if (world.rank() != 0) return all;
  for (const std::string& text : texts) {
    for (const json& row : json::parse(text)) {
      all.push_back({.rank = row[0],
                     .name = row[1],
                     .start_s = row[2],
                     .end_s = row[3],
                     .kind = row[4],
                     .track = row[5].get<Track>()});
    }
  }
  return all;
}

}  // namespace spillway::trainer
