#include "parallel/pipeline/csv.hpp"

#include <cmath>
#include <fstream>
#include <iterator>

#include "configs/error.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/simulate.hpp"

namespace spillway::pipeline {
namespace {

constexpr std::string_view kOverlapEnd = ")OVERLAP_F_B";

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

Action parse_compute(std::string_view text) {
  const Action action = parse_action(text);
  if (!is_compute(action.op)) {
    fail_input("action \"" + std::string(text) + "\" is derived; a cell holds F | R | I | W | B");
  }
  return action;
}

/// "(0F7;7B3)OVERLAP_F_B": a forward and the backward that runs with it.
void parse_overlap(std::string_view cell, std::vector<Action>& actions, Schedule& schedule) {
  std::string_view pair = cell.substr(1, cell.size() - 1 - kOverlapEnd.size());
  const Action forward = parse_compute(without_spaces(take_until(pair, ';')));
  const Action backward = parse_compute(without_spaces(pair));
  if (forward.op != Op::forward || backward.op != Op::backward) {
    fail_input("action \"" + std::string(cell) + "\" is not an F and a B");
  }
  actions.insert(actions.end(), {forward, backward});
  schedule.overlapped.insert(forward);
}

void parse_cell(std::string_view cell, std::vector<Action>& actions, Schedule& schedule) {
  if (cell.starts_with('(') && cell.ends_with(kOverlapEnd)) {
    parse_overlap(cell, actions, schedule);
  } else {
    actions.push_back(parse_compute(cell));
  }
}

void parse_line(std::string_view line, const std::string& where, Schedule& schedule) {
  std::vector<Action> actions;
  for (int cell_number = 1; !line.empty(); ++cell_number) {
    const std::string_view cell = without_spaces(take_until(line, ','));
    if (cell.empty()) continue;
    try {
      parse_cell(cell, actions, schedule);
    } catch (const Error& error) {
      fail_input(where + ", cell " + std::to_string(cell_number) + ": " + error.what());
    }
  }
  schedule.ranks.push_back(std::move(actions));
}

/// One unit an action: the slots of the text.
Simulation simulate_slots(const Schedule& compute) {
  Costs costs = uniform_costs(count_stages(compute), 1, 1, 1);
  for (StageCosts& stage : costs.stages) stage.backward = stage.recompute = 1;
  return simulate(lower(compute), costs);
}

}  // namespace

Schedule parse_csv(std::string_view text, const std::string& source) {
  Schedule schedule;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string where = source + ":" + std::to_string(schedule.ranks.size() + 1);
    parse_line(line, where, schedule);
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
  std::string text;
  for (const Timeline& timeline : simulate_slots(compute).ranks) {
    long slot = 0;
    std::string block;  // "(0F7;" until its backward comes
    for (const TimedAction& timed : timeline) {
      if (!is_compute(timed.action.op)) continue;
      if (compute.overlapped.contains(timed.action)) {
        block = "(" + to_string(timed.action) + ";";
        continue;
      }
      const long begin = std::lround(timed.start) - (block.empty() ? 0 : 1);
      for (; slot < begin; ++slot) text += ',';
      text += block + to_string(timed.action);
      if (!block.empty()) text += kOverlapEnd;
      text += ',';
      block.clear();
      ++slot;
    }
    if (text.ends_with(',')) text.pop_back();
    text += '\n';
  }
  return text;
}

}  // namespace spillway::pipeline
