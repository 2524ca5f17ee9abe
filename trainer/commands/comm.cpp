// `spillway comm`: how fast the present communicator is, in the vocabulary of nccl-tests.
#include <array>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "parallel/comm/benchmark.hpp"
#include "parallel/comm/make_communicator.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "parallel/comm/overlap.hpp"
#include "parallel/comm/raw_mpi.hpp"
#include "trainer/commands/command.hpp"

namespace spillway::trainer {
namespace {

using comm::Measured;
using comm::Measurement;

/// From this size on --raw-limit holds: below it, handing an operation to another thread is a
/// visible part of it.
constexpr std::int64_t kLimitFromBytes = 1 << 20;

config::Usage usage() {
  return {
      .command = "comm",
      .summary =
          "Measures time and bandwidth of the communicator's operations (start it with mpirun).",
      .positionals = {},
      .options = {{"operations", "LIST", "comma-separated: " + comm::measured_names(), "all"},
                  {"min-bytes", "SIZE", "smallest size, e.g. 8, 64K, 1M", "8"},
                  {"max-bytes", "SIZE", "largest size", "64M"},
                  {"step-factor", "N", "from one size to the next", "8"},
                  {"type", "fp32|bf16|fp16|int32|int64|uint8", "of the elements", "fp32"},
                  {"iterations", "N", "timed runs of each size; the median counts", "20"},
                  {"warmup", "N", "runs before those", "3"},
                  {"backend", "auto|mpi|nccl", "what carries the tensors", "auto"},
                  {"raw", "",
                   "also time blocking MPI calls, in turn with the communicator's (CPU)"},
                  {"raw-limit", "X",
                   "with --raw: exit 1 when a size from 1 MiB on takes over X times as long", "0"},
                  {"overlap", "",
                   "also measure how much of an all_reduce of max-bytes hides behind computation"},
                  {"format", "table|json", "how to print", "table"}},
      .example = "mpirun -np 4 spillway comm --operations all_reduce --raw"};
}

/// "64K" -> 65536.
std::int64_t parse_bytes(const std::string& option, const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, static_cast<const char*>(text.data() + text.size()));
  constexpr std::string_view kUnits = "KMG";
  const std::size_t power = unit.empty() ? 0 : kUnits.find(unit[0]) + 1;
  const bool is_unit = unit.empty() || (unit.size() == 1 && power > 0);
  if (error != std::errc() || !is_unit || value < 1 ||
      value > (std::int64_t{1} << 40) >> (10 * power)) {
    fail_input("--" + option + " = \"" + text +
               "\" is not a size; write e.g. 8, 64K, 1M, 2G (at most 1024G)");
  }
  return value << (10 * power);
}

std::int64_t at_least(const config::Arguments& arguments, const std::string& option,
                      std::int64_t least) {
  const std::int64_t value = arguments.integer(option);
  if (value < least || value > 1'000'000) {
    fail_input("--" + option + " = " + std::to_string(value) + " is not in " +
               std::to_string(least) + "..1000000");
  }
  return value;
}

at::ScalarType type_by_name(const std::string& name) {
  if (name == "fp32") return at::kFloat;
  if (name == "bf16") return at::kBFloat16;
  if (name == "fp16") return at::kHalf;
  if (name == "int32") return at::kInt;
  if (name == "int64") return at::kLong;
  if (name == "uint8") return at::kByte;
  fail_choice("--type", name, "fp32 | bf16 | fp16 | int32 | int64 | uint8");
}

std::vector<Measured> operations(std::string list) {
  if (list == "all")
    list = "all_reduce,broadcast,all_gather,reduce_scatter,all_to_all,send_recv,barrier";
  std::vector<Measured> chosen;
  std::istringstream words(list);
  for (std::string word; std::getline(words, word, ',');)
    chosen.push_back(comm::measured_by_name(word));
  if (chosen.empty()) fail_input("--operations is empty; valid are all, " + comm::measured_names());
  return chosen;
}

std::vector<comm::BenchmarkCase> cases(const config::Arguments& arguments) {
  const std::int64_t smallest = parse_bytes("min-bytes", arguments.value("min-bytes"));
  const std::int64_t largest = parse_bytes("max-bytes", arguments.value("max-bytes"));
  const std::int64_t factor = at_least(arguments, "step-factor", 2);
  if (smallest > largest) {
    fail_input("--min-bytes = " + std::to_string(smallest) +
               " is more than --max-bytes = " + std::to_string(largest));
  }
  const at::ScalarType type = type_by_name(arguments.value("type"));
  std::vector<comm::BenchmarkCase> all;
  for (const Measured measured : operations(arguments.value("operations"))) {
    if (measured == Measured::barrier) {
      all.push_back({measured, 0, type});
      continue;
    }
    for (std::int64_t bytes = smallest; bytes <= largest; bytes *= factor)
      all.push_back({measured, bytes, type});
  }
  return all;
}

double ratio(const Measurement& one) {
  return one.raw_seconds ? one.seconds / *one.raw_seconds : 0;
}

/// printf into a string, at most one line.
[[gnu::format(printf, 1, 2)]] std::string text(const char* format, ...) {
  std::array<char, 256> line{};
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line.data(), line.size(), format, arguments);
  va_end(arguments);
  return line.data();
}

std::string header(const comm::Communicator& world, const config::Arguments& arguments) {
  const bool raw = arguments.flag("raw");
  const auto titles = [raw](auto... names) {
    return text("# %-14s%12s %12s %6s %12s %9s %9s %7s", names...) + (raw ? "" : "\n");
  };
  return "# backend " + world.backend() + ", " + std::to_string(world.size()) + " ranks, " +
         arguments.value("iterations") + " iterations after " + arguments.value("warmup") +
         " warm-up; time: median of the slowest rank\n" +
         titles("operation", "size", "count", "type", "time", "algbw", "busbw", "#wrong") +
         (raw ? "      raw MPI   ratio\n" : "") +
         titles("", "(B)", "(elements)", "", "(us)", "(GB/s)", "(GB/s)", "") +
         (raw ? "         (us)        \n" : "");
}

std::string row(const Measurement& one, int ranks, const std::string& type) {
  std::string line =
      text("  %-14s%12lld %12lld %6s %12.1f %9.3f %9.3f %7lld", comm::to_string(one.what.measured),
           static_cast<long long>(one.what.bytes), static_cast<long long>(one.count), type.c_str(),
           1e6 * one.seconds, comm::algorithm_bandwidth(one), comm::bus_bandwidth(one, ranks),
           static_cast<long long>(one.wrong));
  if (one.raw_seconds) line += text(" %12.1f %7.2f", 1e6 * *one.raw_seconds, ratio(one));
  return line + "\n";
}

std::string overlap_line(const comm::Overlap& overlap) {
  return text(
      "# overlap: all_reduce alone %.1f us, computation alone %.1f us, both %.1f us: %.0f %% of "
      "the shorter is hidden\n",
      1e6 * overlap.communication, 1e6 * overlap.computation, 1e6 * overlap.both,
      100 * overlap.hidden());
}

nlohmann::ordered_json to_json(const Measurement& one, int ranks, const std::string& type) {
  nlohmann::ordered_json json{{"operation", comm::to_string(one.what.measured)},
                              {"size_bytes", one.what.bytes},
                              {"count", one.count},
                              {"type", type},
                              {"time_us", 1e6 * one.seconds},
                              {"algbw_gb_per_s", comm::algorithm_bandwidth(one)},
                              {"busbw_gb_per_s", comm::bus_bandwidth(one, ranks)},
                              {"wrong", one.wrong}};
  if (one.raw_seconds) {
    json["raw_time_us"] = 1e6 * *one.raw_seconds;
    json["ratio"] = ratio(one);
  }
  return json;
}

/// What is wrong with the numbers, or nothing.
std::string complaint(const std::vector<Measurement>& measurements, double raw_limit) {
  for (const Measurement& one : measurements) {
    const std::string what = std::string(comm::to_string(one.what.measured)) + " of " +
                             std::to_string(one.what.bytes) + " bytes";
    if (one.wrong > 0) return what + ": " + std::to_string(one.wrong) + " elements are wrong";
    if (raw_limit > 0 && one.what.bytes >= kLimitFromBytes && ratio(one) > raw_limit) {
      return what + text(": takes %.2f times as long as blocking MPI, --raw-limit is %g",
                         ratio(one), raw_limit);
    }
  }
  return "";
}

struct Settings {
  std::vector<comm::BenchmarkCase> cases;
  comm::BenchmarkOptions options;
  bool raw = false;
  double raw_limit = 0;
  std::optional<comm::BenchmarkCase> overlap;
  bool json = false;
};

Settings settings(const config::Arguments& arguments) {
  const std::string& format = arguments.choice("format", "table | json");
  Settings settings{
      .cases = cases(arguments),
      .options = {.warmup = static_cast<int>(at_least(arguments, "warmup", 0)),
                  .iterations = static_cast<int>(at_least(arguments, "iterations", 1))},
      .raw = arguments.flag("raw"),
      .raw_limit = arguments.number("raw-limit"),
      .overlap = std::nullopt,
      .json = format == "json"};
  if (arguments.flag("overlap")) {
    settings.overlap = {Measured::all_reduce,
                        parse_bytes("max-bytes", arguments.value("max-bytes")),
                        type_by_name(arguments.value("type"))};
  }
  if (settings.raw_limit != 0 && !settings.raw) fail_input("--raw-limit needs --raw");
  if (settings.raw && settings.cases.back().bytes / static_cast<std::int64_t>(c10::elementSize(
                                                        settings.cases.back().type)) >
                          std::numeric_limits<int>::max()) {
    fail_input("--raw measures up to 2^31 - 1 elements; choose a smaller --max-bytes");
  }
  return settings;
}

nlohmann::ordered_json to_json(const comm::Communicator& world, const Settings& chosen,
                               const std::vector<Measurement>& measurements,
                               const std::optional<comm::Overlap>& overlap,
                               const std::string& type) {
  nlohmann::ordered_json json{{"command", "comm"},
                              {"backend", world.backend()},
                              {"ranks", world.size()},
                              {"iterations", chosen.options.iterations},
                              {"warmup", chosen.options.warmup},
                              {"results", nlohmann::ordered_json::array()}};
  for (const Measurement& one : measurements)
    json["results"].push_back(to_json(one, world.size(), type));
  if (overlap) {
    json["overlap"] = {{"size_bytes", chosen.overlap->bytes},
                       {"communication_us", 1e6 * overlap->communication},
                       {"computation_us", 1e6 * overlap->computation},
                       {"both_us", 1e6 * overlap->both},
                       {"hidden", overlap->hidden()}};
  }
  return json;
}

}  // namespace

int run_comm(const std::vector<std::string>& words) {
  const config::Arguments arguments = config::parse(usage(), words);
  if (arguments.help()) {
    std::cout << config::help_text(usage());
    return 0;
  }
  const Settings chosen = settings(arguments);
  const std::string& type = arguments.value("type");
  const comm::MpiEnvironment mpi;
  const std::unique_ptr<comm::Communicator> world = comm::make_world(arguments.value("backend"));
  if (chosen.raw && world->backend() != "mpi") {
    fail_input("--raw compares CPU tensors; add --backend mpi");
  }
  std::optional<comm::RawMpi> raw;
  if (chosen.raw) raw.emplace();
  const bool speaks = world->rank() == 0, table = speaks && !chosen.json;
  if (table) std::cout << header(*world, arguments) << std::flush;
  std::vector<Measurement> measurements;
  for (const comm::BenchmarkCase& one : chosen.cases) {
    measurements.push_back(comm::measure(*world, one, chosen.options, raw ? &*raw : nullptr));
    if (table) std::cout << row(measurements.back(), world->size(), type) << std::flush;
  }
  std::optional<comm::Overlap> overlap;
  if (chosen.overlap) overlap = comm::measure_overlap(*world, *chosen.overlap, chosen.options);
  if (table && overlap) std::cout << overlap_line(*overlap);
  if (speaks && chosen.json)
    std::cout << to_json(*world, chosen, measurements, overlap, type).dump(2) << "\n";
  const std::string wrong = complaint(measurements, chosen.raw_limit);
  if (wrong.empty()) return 0;
  if (speaks) std::cerr << "spillway: " + wrong + "\n";
  return static_cast<int>(ErrorKind::check);
}

}  // namespace spillway::trainer
