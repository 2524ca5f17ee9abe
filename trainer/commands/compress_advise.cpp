// `spillway compress advise`: which compression pays for the configured model on this link, or on
// one that is described.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iostream>
#include <set>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "trainer/check_run.hpp"
#include "trainer/checkpoint/agreement.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/compress_advise_measure.hpp"
#include "trainer/commands/compress_advise_report.hpp"
#include "trainer/commands/progress_line.hpp"
#include "trainer/gradient_sync.hpp"
#include "trainer/prepare_layout.hpp"

namespace spillway::trainer {
namespace {

config::Usage advise_usage() {
  return {
      .command = "compress advise",
      .summary =
          "Measures a step without exchange, every method's cost of compressing, and the link; "
          "predicts the step time of each method, overlapped with the backward, and says what "
          "pays, below which bandwidth, and which method is best for which parameters. With "
          "--bandwidth and --latency for a link that is not here; alone, they are needed.",
      .positionals = {"[CONFIG]"},
      .options = {{"cells", "LIST",
                   "methods as in compress sweep; bf16 is the baseline; default: every method with "
                   "each rank, wire format, density and quantization that it has"},
                  {"bandwidth", "RATE", "of a host's link, e.g. 200Mbit, 10Gbit"},
                  {"latency", "TIME", "of a message, e.g. 20us, 1ms"},
                  {"replicas", "N", "replicas asked about; default: those that run"},
                  {"hosts", "N", "hosts that a replica group spans; default: as now, or replicas"},
                  {"format", "table|json", "how to print", "table"}},
      .settings = true,
      .example =
          "mpirun -np 2 spillway compress advise configs/presets/demo.toml --bandwidth "
          "10Gbit --latency 20us --replicas 64 --hosts 8"};
}

/// "10Gbit" with {"Gbit", 1e9}, ... -> 1e10.
double quantity(const config::Arguments& arguments, const std::string& option,
                std::initializer_list<std::pair<std::string_view, double>> units) {
  const std::string& text = arguments.value(option);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string unit(end, text.data() + text.size()), valid;
  for (const auto& [name, factor] : units) {
    const bool same = std::equal(unit.begin(), unit.end(), name.begin(), name.end(),
                                 [](char a, char b) { return std::tolower(a) == std::tolower(b); });
    if (error == std::errc() && same && value > 0 && std::isfinite(value)) return value * factor;
    valid += (valid.empty() ? "" : ", ") + std::string(name);
  }
  fail_input("--" + option + " = \"" + text +
             "\" is not a number above 0 with a unit; units: " + valid);
}

int whole_number(const config::Arguments& arguments, const std::string& option) {
  const std::int64_t value = arguments.integer(option);
  if (value < 1 || value > 10'000'000)
    fail_input("--" + option + " = " + std::to_string(value) + " is not in 1..10000000");
  return static_cast<int>(value);
}

/// The link asked about as far as the command line describes it.
struct WhatIf {
  std::optional<double> bits_per_second, latency_seconds;
  std::optional<int> replicas, hosts;

  bool any() const { return bits_per_second || latency_seconds || replicas || hosts; }
};

WhatIf read_what_if(const config::Arguments& arguments) {
  WhatIf asked;
  if (arguments.given("bandwidth")) {
    asked.bits_per_second =
        quantity(arguments, "bandwidth", {{"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}});
  }
  if (arguments.given("latency"))
    asked.latency_seconds = quantity(arguments, "latency", {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}});
  if (arguments.given("replicas")) asked.replicas = whole_number(arguments, "replicas");
  if (arguments.given("hosts")) asked.hosts = whole_number(arguments, "hosts");
  return asked;
}

void check_what_if(const WhatIf& asked, int replicas) {
  const int wanted = asked.replicas.value_or(replicas);
  if (replicas == 1 && (!asked.bits_per_second || !asked.latency_seconds)) {
    fail_input(
        "one replica has no link to measure; start several with mpirun, or describe one: "
        "--bandwidth 10Gbit --latency 20us --replicas 8");
  }
  if (wanted < 2) fail_input("--replicas = 1: nothing travels, so no method can pay; valid: >= 2");
  if (asked.hosts && wanted % *asked.hosts != 0) {
    fail_input("--hosts = " + std::to_string(*asked.hosts) + " does not divide the " +
               std::to_string(wanted) + " replicas");
  }
}

int count_hosts(comm::Communicator& control, const parallel::ProcessGrid& grid) {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  const std::vector<std::string> all =
      gather_text(control, std::to_string(grid.stage()) + " " + name.data());
  std::set<std::string> hosts;
  for (const std::string& one : all) {
    if (one.starts_with(std::to_string(grid.stage()) + " ")) hosts.insert(one);
  }
  const int ranks = grid.replicas(), count = static_cast<int>(hosts.size());
  return ranks % count == 0 ? count : ranks;
}

/// The link that is `measured`, with what is asked in its place.
comm::LinkModel link_of(const WhatIf& asked, const comm::LinkModel& measured) {
  comm::LinkModel link = measured;
  if (asked.bits_per_second) {
    link.bytes_per_second = comm::tcp_payload_rate(*asked.bits_per_second);
    link.burst_bytes = 0;
  }
  if (asked.latency_seconds) link.latency_seconds = *asked.latency_seconds;
  link.ranks = asked.replicas.value_or(measured.ranks);
  if (asked.replicas || asked.bits_per_second) link.hosts = asked.hosts.value_or(link.ranks);
  if (asked.hosts) link.hosts = *asked.hosts;
  return link;
}

std::vector<SweepCell> make_cells(const config::Arguments& arguments,
                                  const config::Config& config) {
  return parse_cells(arguments.given("cells")
                         ? arguments.value("cells")
                         : default_cells(arguments, exchanged_shapes(config.model)),
                     arguments);
}

/// Everything measured, on every rank.
AdviceInput measure(const config::Config& config, const WhatIf& asked,
                    const std::vector<SweepCell>& cells) {
  Ranks ranks(config);
  const Layout layout = prepare_layout(config, ranks, {}).layout;
  ProgressLine line;
  const bool leads = ranks.control->rank() == 0;
  const auto announce = [&](const std::string& what) {
    ranks.log.works("measuring " + what);
    if (leads) line.show("measuring " + what);
  };
  announce("the link");
  const comm::LinkModel link =
      measure_link(ranks.grid.replica_group(), count_hosts(*ranks.control, ranks.grid));
  AdviceInput input{.ranks = {},
                    .replicas = ranks.grid.replicas(),
                    .link_is_present = !asked.any(),
                    .link = link_of(asked, link)};
  const RankRecord mine = measure_rank(config, layout, cells, link, ranks, announce);
  for (const std::string& text : gather_text(*ranks.control, to_text(mine)))
    input.ranks.push_back(record_from_text(text));
  return input;
}

}  // namespace

int run_compress_advise(const std::vector<std::string>& words) {
  const config::Arguments arguments = config::parse(advise_usage(), words);
  if (arguments.help()) {
    if (comm::launch_info().rank == 0) std::cout << config::help_text(advise_usage());
    return 0;
  }
  const std::string& format = arguments.choice("format", "table | json");
  const WhatIf asked = read_what_if(arguments);
  config::Config config = config::load(arguments);
  const int world = comm::launch_info().size;
  check_run(config, world);
  check_what_if(asked, parallel::grid_shape(world, config.parallel.stages).replicas);
  std::vector<SweepCell> cells = make_cells(arguments, config);
  std::stable_partition(cells.begin(), cells.end(),
                        [](const SweepCell& cell) { return cell.name == kBaselineCell; });
  config.compression.method = "none";  // of the steps without exchange

  const comm::MpiEnvironment environment;
  const AdviceInput input = measure(config, asked, cells);
  if (comm::launch_info().rank != 0) return 0;
  const Advice advice = advise(input);
  if (format == "json") {
    std::cout << advice_json(input, advice).dump(2) << "\n";
  } else {
    std::cout << advice_table(input, advice);
  }
  return 0;
}

}  // namespace spillway::trainer
