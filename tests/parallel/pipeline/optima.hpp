#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "parallel/pipeline/simulate.hpp"

namespace spillway::pipeline {

/// A row of schedule_optima.csv (stated in schedule_optima.md), by column.
using Row = std::map<std::string, std::string>;

inline std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

inline std::vector<Row> read_rows() {
  std::ifstream file(SPILLWAY_SOURCE "/tests/parallel/pipeline/schedule_optima.csv");
  std::string line;
  std::getline(file, line);
  const auto names = split(line, ',');
  std::vector<Row> rows;
  while (std::getline(file, line)) {
    const auto cells = split(line, ',');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i == 0) rows.emplace_back();
      rows.back()[names.at(i)] = cells[i];
    }
  }
  return rows;
}

inline Costs costs_of(const Row& row) {
  const auto f = split(row.at("F"), ';'), i = split(row.at("I"), ';'), w = split(row.at("W"), ';');
  Costs costs{.stages = {}, .hop_seconds = std::stod(row.at("hop"))};
  for (std::size_t s = 0; s < f.size(); ++s) {
    StageCosts stage{.forward = std::stod(f[s]),
                     .backward_input = std::stod(i[s]),
                     .backward_weight = std::stod(w[s])};
    stage.backward = stage.backward_input + stage.backward_weight;
    costs.stages.push_back(stage);
  }
  return costs;
}

}  // namespace spillway::pipeline
