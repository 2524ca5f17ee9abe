#pragma once

#include <filesystem>
#include <vector>

#include "trainer/layout.hpp"
#include "trainer/observe/events.hpp"
#include "trainer/ranks.hpp"

namespace spillway::trainer {

/// A layout, and what is to be recorded of how it was chosen.
struct PreparedLayout {
  Layout layout = {};
  std::vector<Event> events = {};
};

/// The layout of a run: with several stages its costs are measured on the ranks (calibrate(), kept
/// in `dir`), "auto" chooses by them, and receives are posted as early as they ask for. Collective
/// over all ranks, which get the same layout. Throws as plan_to_run() does, on all ranks alike.
PreparedLayout prepare_layout(const config::Config& config, Ranks& ranks,
                              const std::filesystem::path& dir);

}  // namespace spillway::trainer
