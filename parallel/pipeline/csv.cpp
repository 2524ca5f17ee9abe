#include "parallel/pipeline/csv.hpp"

#include <cmath>
#include <fstream>
#include <iterator>

#include "configs/error.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/simulate.hpp"

namespace spillway::pipeline {
namespace {

std::string_view without_spaces(std::string_view cell) {
  const auto first = cell.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return cell.substr(first, cell.find_last_not_of(" \t") - first + 1);
}

/// The part of `text` up to `separator`; `text` keeps what follows.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const std::string_view head = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return head;
}

Action parse_cell(std::string_view cell) {
  const Action action = parse_action(cell);
  if (!is_compute(action.op)) {
    fail_input("action \"" + std::string(cell) + "\" is derived; a cell holds F | I | W | B");
  }
  return action;
}

std::vector<Action> parse_line(std::string_view line, const std::string& where) {
  std::vector<Action> actions;
  for (int cell_number = 1; !line.empty(); ++cell_number) {
    const std::string_view cell = without_spaces(take_until(line, ','));
    if (cell.empty()) continue;
    try {
      actions.push_back(parse_cell(cell));
    } catch (const Error& error) {
      fail_input(where + ", cell " + std::to_string(cell_number) + ": " + error.what());
    }
  }
  return actions;
}

}  // namespace

Schedule parse_csv(std::string_view text, const std::string& source) {
  Schedule schedule;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string where = source + ":" + std::to_string(schedule.ranks.size() + 1);
    schedule.ranks.push_back(parse_line(line, where));
  }
  if (schedule.ranks.empty()) fail_input(source + ": no lines; a schedule has one line a rank");
  return schedule;
}

Schedule read_csv(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_input("cannot read the schedule " + path.string());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_csv(text, path.string());
}

std::string to_csv(const Schedule& compute) {
  const Simulation slots = simulate(lower(compute), [&] {
    Costs costs = uniform_costs(count_stages(compute), 1, 1, 1);
    for (StageCosts& stage : costs.stages) stage.backward = 1;
    return costs;
  }());
  std::string text;
  for (const Timeline& timeline : slots.ranks) {
    long slot = 0;
    for (const TimedAction& timed : timeline) {
      if (!is_compute(timed.action.op)) continue;
      for (const long begin = std::lround(timed.start); slot < begin; ++slot) text += ',';
      text += to_string(timed.action) + ',';
      ++slot;
    }
    if (text.ends_with(',')) text.pop_back();
    text += '\n';
  }
  return text;
}

}  // namespace spillway::pipeline
