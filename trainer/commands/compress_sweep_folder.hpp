#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "trainer/commands/compress_sweep_result.hpp"

namespace spillway::trainer {

/// The folder of a sweep: sweep.toml (what all cells share), cells/NAME.json (one finished cell
/// each, whole or not there), and what is made of them: sweep.json, sweep.csv, sweep.h5. Used by
/// one rank.
class SweepFolder {
 public:
  /// Makes the folder where it is missing. `shared`: text in TOML of what all cells share. Throws
  /// Error(input) where the folder holds a sweep that shares something else, naming it, or cannot
  /// be written.
  SweepFolder(std::filesystem::path path, const std::string& shared);

  /// The cell if it is finished. Throws Error(input) for a file that is not one.
  std::optional<CellResult> find(const std::string& name) const;
  void publish(const CellResult& result) const;

  /// sweep.json, sweep.csv and sweep.h5 of these cells. `target`: the loss of "seconds to loss".
  void write_summary(const std::vector<CellResult>& results, double target, int replicas) const;

 private:
  std::filesystem::path cell_file(const std::string& name) const;
  void write_csv(const std::vector<CellResult>& results, double target) const;
  void write_hdf5(const std::vector<CellResult>& results, double target) const;

  std::filesystem::path path_;
};

/// The cells as a table for a terminal.
std::string sweep_table(const std::vector<CellResult>& results, double target);

}  // namespace spillway::trainer
