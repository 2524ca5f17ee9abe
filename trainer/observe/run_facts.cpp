#include "trainer/observe/run_facts.hpp"

#include <hdf5.h>
#include <mpi.h>
#include <torch/version.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "trainer/checkpoint/agreement.hpp"
#include "trainer/checkpoint/checksum.hpp"
#include "trainer/checkpoint/durable_file.hpp"
#include "trainer/observe/events.hpp"

namespace spillway::trainer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string cpu_model() {
  std::ifstream facts("/proc/cpuinfo");
  for (std::string line; std::getline(facts, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

Json this_host() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return {{"name", name}, {"cpu", cpu_model()}, {"cores", std::thread::hardware_concurrency()}};
}

/// One entry a host, with the ranks it carries.
Json hosts_of(const std::vector<std::string>& host_of_rank) {
  Json hosts = Json::array();
  for (std::size_t rank = 0; rank < host_of_rank.size(); ++rank) {
    Json host = Json::parse(host_of_rank[rank]);
    Json* known = nullptr;
    for (Json& one : hosts) {
      if (one.at("name") == host.at("name")) known = &one;
    }
    if (!known) {
      host["ranks"] = Json::array();
      hosts.push_back(host);
      known = &hosts.back();
    }
    (*known)["ranks"].push_back(rank);
  }
  return hosts;
}

/// run.json as it is; empty starts when there is none. A damaged one is put aside.
Json past_of(const fs::path& path) {
  Json empty{{"format", "spillway-run"}, {"version", 1}, {"starts", Json::array()}};
  if (!fs::exists(path)) return empty;
  Json past = Json::parse(read_text(path), nullptr, /*allow_exceptions=*/false);
  if (past.is_object() && past.contains("starts") && past["starts"].is_array()) return past;
  fs::rename(path, path.string() + ".damaged");
  return empty;
}

PastStarts write_start(const fs::path& run_dir, const StartFacts& facts, const Json& hosts,
                       int world_size) {
  const std::string fingerprint = config_fingerprint(facts.config_toml);
  Json start{{"utc", utc_text(unix_seconds())},
             {"first_step", facts.first_step},
             {"command", facts.command_line},
             {"config_fingerprint", fingerprint},
             {"versions", library_versions()},
             {"world", world_size},
             {"hosts", hosts}};
  start.update(facts.more);
  fs::create_directories(run_dir);
  Json run = past_of(run_dir / "run.json");
  Json& starts = run["starts"];
  const PastStarts past{
      .count = static_cast<std::int64_t>(starts.size()),
      .config_changed =
          !starts.empty() && starts.back().value("config_fingerprint", "") != fingerprint};
  starts.push_back(start);
  write_file_durably(run_dir / "run.json", run.dump(1) + "\n");
  return past;
}

}  // namespace

std::string config_fingerprint(const std::string& config_toml) { return checksum(config_toml); }

Json library_versions() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(mpi, &length);
  const std::string mpi_text(mpi);
  return {{"spillway", SPILLWAY_VERSION},
          {"torch", TORCH_VERSION},
          {"mpi", mpi_text.substr(0, mpi_text.find(','))},
          {"hdf5",
           std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release)}};
}

PastStarts record_start(const fs::path& run_dir, comm::Communicator& world,
                        const StartFacts& facts) {
  const std::vector<std::string> host_of_rank = gather_text(world, this_host().dump());
  std::string complaint, result;
  if (world.rank() == 0) {
    try {
      const PastStarts past = write_start(run_dir, facts, hosts_of(host_of_rank), world.size());
      result = Json{past.count, past.config_changed}.dump();
    } catch (const std::exception& error) {
      complaint = error.what();
    }
  }
  agree(world, "run.json", complaint);
  const Json past = Json::parse(broadcast_text(world, result));
  return {.count = past[0].get<std::int64_t>(), .config_changed = past[1].get<bool>()};
}

}  // namespace spillway::trainer
