#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "parallel/comm/communicator.hpp"

namespace spillway::trainer {

/// Whether a span was computed in advance by the simulator or clocked while running.
enum class Track : std::uint8_t { predicted, measured };

/// A stretch of time on one rank: an action of the pipeline, a wait, the optimizer.
struct Span {
  int rank = 0;
  std::string name;    ///< "0F1", "optimizer"
  double start_s = 0;  ///< seconds since the step began; one clock for all ranks of a track
  double end_s = 0;
  std::string kind;  ///< "forward", "backward", "weight", "send", "recv", "reduce", "wait", ...
  Track track = Track::measured;
};

/// Chrome's trace format (chrome://tracing, Perfetto): process = rank, thread = predicted |
/// measured.
std::string chrome_trace(const std::vector<Span>& spans);

/// Writes RUN/traces/step-N.json. Throws Error(fault).
std::filesystem::path write_trace(const std::filesystem::path& run_dir, std::int64_t step,
                                  const std::vector<Span>& spans);

/// Collective over `world`: every rank's spans on rank 0, nothing on the others.
std::vector<Span> gather_spans(comm::Communicator& world, const std::vector<Span>& mine);

}  // namespace spillway::trainer
