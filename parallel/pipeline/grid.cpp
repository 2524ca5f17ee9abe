#include "parallel/pipeline/grid.hpp"

#include <algorithm>
#include <cmath>

namespace spillway::pipeline {
namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

/// First and last + 1 of the entries to show: all if few, else those around `center`.
struct Window {
  Window(int center, int around, std::size_t size)
      : first(std::clamp(center - around, 0, std::max(0, static_cast<int>(size) - 1))),
        last(std::min(static_cast<int>(size), first + 2 * around + 1)) {}
  int first;
  int last;
};

bool has_chunks(const Simulation& simulation) {
  return std::ranges::any_of(simulation.ranks, [](const Timeline& timeline) {
    return std::ranges::any_of(timeline, [&timeline](const TimedAction& timed) {
      return timed.action.stage != timeline.front().action.stage;
    });
  });
}

/// Seconds of a column.
double column_seconds(const Simulation& simulation, int columns) {
  double shortest = simulation.makespan;
  for (const Timeline& timeline : simulation.ranks) {
    for (const TimedAction& timed : timeline) {
      const double seconds = timed.end - timed.start;
      if (is_compute(timed.action.op) && seconds > 0) shortest = std::min(shortest, seconds);
    }
  }
  return std::max(shortest, simulation.makespan / std::max(columns, 1));
}

/// The cells of one rank's line, each `width` characters.
std::string time_row(const Timeline& timeline, double column, std::size_t cells, bool chunks,
                     std::size_t width) {
  std::string row(cells * width, ' ');
  for (std::size_t i = 0; i < cells; ++i) row[i * width] = '.';
  for (const TimedAction& timed : timeline) {
    if (!is_compute(timed.action.op)) continue;
    const auto first = static_cast<std::size_t>(std::lround(timed.start / column));
    const auto last = static_cast<std::size_t>(std::lround(timed.end / column));
    if (first >= last) continue;
    std::string label = to_string(timed.action);
    if (!chunks) label.erase(0, label.find_first_not_of("0123456789"));
    label.resize((last - first) * width - 1, '=');
    row.replace(first * width, label.size() + 1, label + ' ');
  }
  return row;
}

}  // namespace

std::string order_grid(const Schedule& schedule, Place spot) {
  const Window ranks(spot.rank, 4, schedule.ranks.size());
  std::size_t longest = 0;
  for (const auto& actions : schedule.ranks) longest = std::max(longest, actions.size());
  const Window positions(spot.position, 5, longest);
  std::size_t width = 6;
  for (const auto& actions : schedule.ranks) {
    for (const Action& action : actions) width = std::max(width, to_string(action).size() + 3);
  }
  std::string text = padded("action", 10);
  for (int i = positions.first; i < positions.last; ++i) {
    text += padded(" " + std::to_string(i + 1), width);
  }
  for (int rank = ranks.first; rank < ranks.last; ++rank) {
    const auto& actions = schedule.ranks[static_cast<std::size_t>(rank)];
    text += "\n" + padded((rank == spot.rank ? "> rank " : "  rank ") + std::to_string(rank), 10);
    for (int i = positions.first; i < std::min(positions.last, static_cast<int>(actions.size()));
         ++i) {
      const std::string name = to_string(actions[static_cast<std::size_t>(i)]);
      const bool marked = Place{rank, i} == spot;
      text += padded((marked ? ">" : " ") + name + (marked ? "<" : " "), width);
    }
  }
  return text + "\n";
}

std::string time_grid(const Simulation& simulation, int columns) {
  const bool chunks = has_chunks(simulation);
  std::size_t width = 0;
  for (const Timeline& timeline : simulation.ranks) {
    for (const TimedAction& timed : timeline) {
      if (!is_compute(timed.action.op)) continue;
      std::string label = to_string(timed.action);
      if (!chunks) label.erase(0, label.find_first_not_of("0123456789"));
      width = std::max(width, label.size() + 1);
    }
  }
  if (simulation.makespan <= 0) return "";
  const double column = column_seconds(simulation, columns);
  const auto cells = static_cast<std::size_t>(std::ceil(simulation.makespan / column - 1e-9)) + 1;
  std::string text;
  for (std::size_t rank = 0; rank < simulation.ranks.size(); ++rank) {
    std::string row = time_row(simulation.ranks[rank], column, cells, chunks, width);
    row.resize((cells - 1) * width);
    row.erase(row.find_last_not_of(' ') + 1);
    text += padded("rank " + std::to_string(rank), 9) + row + "\n";
  }
  return text;
}

}  // namespace spillway::pipeline
