#include "trainer/commands/compress_sweep_folder.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "configs/error.hpp"
#include "data/corpus/hdf5_handle.hpp"
#include "trainer/checkpoint/checksum.hpp"
#include "trainer/checkpoint/durable_file.hpp"
#include "trainer/commands/text_table.hpp"
#include "trainer/same_configuration.hpp"

namespace spillway::trainer {
namespace {

/// A number of every cell, by name: the columns of CSV and the attributes in HDF5.
struct Column {
  const char* name;
  double (*value)(const CellResult& result, double target);
};

double seconds_to(const CellResult& result, double target) {
  return result.seconds_to(target).value_or(std::numeric_limits<double>::quiet_NaN());
}

constexpr std::array kColumns{
    Column{"step_seconds", [](const CellResult& one, double) { return one.step_seconds; }},
    Column{"compress_seconds", [](const CellResult& one, double) { return one.compress_seconds; }},
    Column{"wire_seconds", [](const CellResult& one, double) { return one.wire_seconds; }},
    Column{"decompress_seconds",
           [](const CellResult& one, double) { return one.decompress_seconds; }},
    Column{"exposed_seconds", [](const CellResult& one, double) { return one.exposed_seconds; }},
    Column{"payload_bytes", [](const CellResult& one, double) { return one.payload_bytes; }},
    Column{"wire_bytes", [](const CellResult& one, double) { return one.wire_bytes; }},
    Column{"dense_bytes", [](const CellResult& one, double) { return one.dense_bytes; }},
    Column{"relative_l2", [](const CellResult& one,
                             double) { return one.mean_error(&GradientError::relative_l2); }},
    Column{"cosine",
           [](const CellResult& one, double) { return one.mean_error(&GradientError::cosine); }},
    Column{"error_norm", [](const CellResult& one, double) { return one.error_norm; }},
    Column{"tokens_per_second",
           [](const CellResult& one, double) { return one.tokens_per_second; }},
    Column{"skipped",
           [](const CellResult& one, double) { return static_cast<double>(one.skipped); }},
    Column{"final_loss", [](const CellResult& one, double) { return one.final_loss(); }},
    Column{"seconds_to_loss", seconds_to}};

std::string fixed(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string scientific(double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.2e", value);
  return text.data();
}

}  // namespace

SweepFolder::SweepFolder(std::filesystem::path path, const std::string& shared)
    : path_(std::move(path)) {
  std::error_code error;
  std::filesystem::create_directories(path_ / "cells", error);
  if (error) fail_input("--out " + path_.string() + " cannot be made: " + error.message());
  const std::filesystem::path file = path_ / "sweep.toml";
  if (!std::filesystem::exists(file)) write_file_durably(file, shared);
  const auto difference = first_difference(read_text(file), shared);
  if (difference) {
    fail_input("--out " + path_.string() + " holds a sweep with " + difference->name + " = " +
               difference->first + ", asked for is " + difference->second +
               "; choose another folder");
  }
}

std::filesystem::path SweepFolder::cell_file(const std::string& name) const {
  const std::string method = name.substr(0, name.find(','));
  std::string plain;
  for (const char c : method) plain += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return path_ / "cells" / (plain + "-" + checksum(name) + ".json");
}

std::optional<CellResult> SweepFolder::find(const std::string& name) const {
  const std::filesystem::path file = cell_file(name);
  if (!std::filesystem::exists(file)) return std::nullopt;
  try {
    return result_from_json(nlohmann::ordered_json::parse(read_text(file)));
  } catch (const nlohmann::json::exception& error) {
    fail_input(file.string() + " is not a finished cell: " + error.what() + "; remove it");
  }
}

void SweepFolder::publish(const CellResult& result) const {
  write_file_durably(cell_file(result.name), to_json(result).dump(1) + "\n");
}

void SweepFolder::write_summary(const std::vector<CellResult>& results, double target,
                                int replicas) const {
  nlohmann::ordered_json json{
      {"replicas", replicas}, {"target_loss", target}, {"cells", nlohmann::ordered_json::array()}};
  const std::vector<bool> front = pareto_front(results);
  for (std::size_t i = 0; i < results.size(); ++i) {
    nlohmann::ordered_json cell = to_json(results[i]);
    for (const Column& column : kColumns) cell[column.name] = column.value(results[i], target);
    cell["pareto"] = static_cast<bool>(front[i]);
    json["cells"].push_back(std::move(cell));
  }
  write_file_durably(path_ / "sweep.json", json.dump(1) + "\n");
  write_csv(results, target);
  write_hdf5(results, target);
}

void SweepFolder::write_csv(const std::vector<CellResult>& results, double target) const {
  std::ostringstream text;
  text.precision(9);
  text << "cell";
  for (const Column& column : kColumns) text << "," << column.name;
  text << ",pareto\n";
  const std::vector<bool> front = pareto_front(results);
  for (std::size_t i = 0; i < results.size(); ++i) {
    text << '"' << results[i].name << '"';  // a name has commas, and no quotes
    for (const Column& column : kColumns) {
      const double value = column.value(results[i], target);
      text << ",";
      if (std::isfinite(value)) text << value;
    }
    text << "," << (front[i] ? 1 : 0) << "\n";
  }
  write_file_durably(path_ / "sweep.csv", text.str());
}

void SweepFolder::write_hdf5(const std::vector<CellResult>& results, double target) const {
  const std::filesystem::path unfinished = path_ / "sweep.h5.tmp";
  data::Hdf5File file = data::Hdf5File::create(unfinished);
  file.set_attribute("/", "target_loss", target);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const CellResult& one = results[i];
    const std::string group = "cells/" + std::to_string(i);
    file.make_group(group);
    file.set_attribute(group, "name", one.name);
    for (const Column& column : kColumns)
      file.set_attribute(group, column.name, column.value(one, target));
    file.write(group + "/loss", one.loss);
    file.write(group + "/elapsed_seconds", one.elapsed);
    std::vector<std::int64_t> steps;
    std::vector<double> relative, cosine;
    for (const GradientError& error : one.errors) {
      steps.push_back(error.step);
      relative.push_back(error.relative_l2);
      cosine.push_back(error.cosine);
    }
    file.write(group + "/errors/step", steps);
    file.write(group + "/errors/relative_l2", relative);
    file.write(group + "/errors/cosine", cosine);
  }
  file.close();
  std::filesystem::rename(unfinished, path_ / "sweep.h5");
}

std::string sweep_table(const std::vector<CellResult>& results, double target) {
  TextTable table({"cell", "step ms", "compress", "wire", "decompress", "exposed", "tokens/s",
                   "KiB/step", "ratio", "rel. error", "cosine", "kept norm", "loss",
                   "s to loss " + fixed(target, 3), "front"});
  table.align_left("cell");
  const std::vector<bool> front = pareto_front(results);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const CellResult& one = results[i];
    const bool measured = !one.errors.empty();
    table.add({one.name, fixed(1e3 * one.step_seconds, 2), fixed(1e3 * one.compress_seconds, 2),
               fixed(1e3 * one.wire_seconds, 2), fixed(1e3 * one.decompress_seconds, 2),
               fixed(1e3 * one.exposed_seconds, 2), fixed(one.tokens_per_second, 0),
               fixed(one.payload_bytes / 1024, 1),
               fixed(one.dense_bytes / std::max(one.payload_bytes, 1.0), 1),
               measured ? scientific(one.mean_error(&GradientError::relative_l2)) : "-",
               measured ? fixed(one.mean_error(&GradientError::cosine), 5) : "-",
               scientific(one.error_norm), fixed(one.final_loss(), 4),
               fixed(seconds_to(one, target), 2), front[i] ? "*" : ""});
  }
  return table.text();
}

}  // namespace spillway::trainer
