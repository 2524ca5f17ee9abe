#include <cstdio>
#include <iostream>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "trainer/checkpoint/checkpoint_store.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/corpus_text.hpp"
#include "trainer/commands/progress_line.hpp"
#include "trainer/observe/events.hpp"

namespace spillway::trainer {
namespace {

namespace fs = std::filesystem;

/// One checkpoint as it is listed.
struct Row {
  std::int64_t step = 0;
  fs::path path;
  std::string damage;
  std::uint64_t bytes = 0;
  std::size_t files = 0, tensors = 0;
  double saved = 0;  ///< seconds since 1970
};

double written_at(const fs::path& path) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  if (error) return 0;
  const auto since = std::chrono::file_clock::to_sys(time).time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

Row row_of(CheckpointStore& store, const CheckpointStore::Entry& entry, Scrutiny scrutiny) {
  Row row{.step = entry.step, .path = entry.path, .damage = ""};
  row.damage =
      scrutiny == Scrutiny::bytes ? store.damage(entry) : find_damage(entry.path, Scrutiny::sizes);
  row.saved = written_at(entry.path / kManifestName);
  try {
    const Manifest manifest = read_manifest(entry.path);
    row.files = manifest.files.size();
    row.tensors = manifest.tensors.size();
    for (const FileRecord& file : manifest.files) row.bytes += file.bytes;
  } catch (const Error&) {
    if (row.damage.empty()) throw;  // else the damage says it
  }
  return row;
}

void print_text(const std::vector<Row>& rows, const std::vector<fs::path>& unfinished) {
  std::printf("%10s | %-7s | %10s | %5s | %7s | %-24s | %s\n", "step", "state", "size", "files",
              "tensors", "saved", "folder");
  for (const Row& row : rows) {
    std::printf("%10lld | %-7s | %10s | %5zu | %7zu | %-24s | %s%s\n",
                static_cast<long long>(row.step), row.damage.empty() ? "valid" : "damaged",
                readable_bytes(row.bytes).c_str(), row.files, row.tensors,
                row.saved > 0 ? utc_text(row.saved).c_str() : "", row.path.filename().c_str(),
                row.damage.empty() ? "" : (": " + row.damage).c_str());
  }
  for (const fs::path& path : unfinished) {
    std::printf("unfinished save, removed by the next one: %s\n", path.filename().c_str());
  }
  std::fflush(stdout);
}

void print_json(const std::vector<Row>& rows, const std::vector<fs::path>& unfinished) {
  nlohmann::json out{{"checkpoints", nlohmann::json::array()},
                     {"unfinished", nlohmann::json::array()}};
  for (const Row& row : rows) {
    out["checkpoints"].push_back({{"step", row.step},
                                  {"path", row.path.string()},
                                  {"valid", row.damage.empty()},
                                  {"damage", row.damage},
                                  {"bytes", row.bytes},
                                  {"files", row.files},
                                  {"tensors", row.tensors},
                                  {"saved", row.saved}});
  }
  for (const fs::path& path : unfinished) out["unfinished"].push_back(path.string());
  std::cout << out.dump() << "\n";
}

}  // namespace

int run_checkpoint_list(const std::vector<std::string>& words) {
  const config::Usage usage{
      .command = "checkpoint list",
      .summary =
          "Lists the checkpoints of a run, newest first; the newest valid one is what a run "
          "continues from.",
      .positionals = {"RUN"},
      .options = {{"format", "text|json", "how to print the list", "text"},
                  {"fast", "", "trust files that have the right size instead of reading them"}},
      .example = "spillway checkpoint list runs/demo"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const bool json = arguments.choice("format", "text | json") == "json";
  CheckpointStore store(existing_run(arguments.positionals()[0]));
  const Scrutiny scrutiny = arguments.flag("fast") ? Scrutiny::sizes : Scrutiny::bytes;
  std::vector<Row> rows;
  ProgressLine progress;
  for (const auto& entry : store.entries()) {
    progress.show("reading " + entry.path.string());
    rows.push_back(row_of(store, entry, scrutiny));
  }
  progress.clear();
  (json ? print_json : print_text)(rows, store.unfinished());
  return 0;
}

}  // namespace spillway::trainer
