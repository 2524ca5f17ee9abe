#pragma once

#include <sstream>
#include <string>

#include "configs/error.hpp"
#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// One line a rank, actions separated by spaces: any form of schedule, right or wrong.
inline Schedule from_text(const std::string& text) {
  Schedule schedule;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto& actions = schedule.ranks.emplace_back();
    std::istringstream words(line);
    for (std::string word; words >> word;) actions.push_back(parse_action(word));
  }
  return schedule;
}

inline std::string to_text(const Schedule& schedule) {
  std::string text;
  for (const auto& actions : schedule.ranks) {
    for (const Action& action : actions) text += to_string(action) + " ";
    if (!actions.empty()) text.pop_back();
    text += "\n";
  }
  return text;
}

/// The message of the Error(input) that `call` throws; empty if it throws none.
template <typename Call>
std::string complaint(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind() == ErrorKind::input ? error.what() : "not an input error";
  }
  return "";
}

}  // namespace spillway::pipeline
