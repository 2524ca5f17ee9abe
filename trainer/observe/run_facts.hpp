#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "parallel/comm/communicator.hpp"

namespace spillway::trainer {

/// What a start of a run states about itself.
struct StartFacts {
  std::vector<std::string> command_line;
  std::string config_toml;      ///< resolved; its fingerprint is recorded
  std::int64_t first_step = 0;  ///< steps done before: 0, or those of the checkpoint resumed from
  nlohmann::ordered_json more =
      nlohmann::ordered_json::object();  ///< layout, device, peak FLOP/s, ...
};

/// What was known before this start.
struct PastStarts {
  std::int64_t count = 0;
  bool config_changed = false;  ///< against the last start
};

/// 16 digits that change with any setting.
std::string config_fingerprint(const std::string& config_toml);

/// Versions of Spillway and of the libraries in this process.
nlohmann::ordered_json library_versions();

/// Adds this start to RUN/run.json: {"format", "version", "starts": [{"utc", "first_step",
/// "command", "config_fingerprint", "versions", "world", "hosts": [{"name", "cpu", "cores",
/// "ranks"}], more...}]}. The last start is the current one. A run.json that is not readable is
/// kept beside as run.json.damaged. Collective over `world`; rank 0 writes and all ranks get the
/// result.
PastStarts record_start(const std::filesystem::path& run_dir, comm::Communicator& world,
                        const StartFacts& facts);

}  // namespace spillway::trainer
