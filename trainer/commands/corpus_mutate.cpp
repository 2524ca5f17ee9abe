#include <chrono>
#include <cmath>
#include <iostream>
#include <thread>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "data/mutate/grow.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/corpus_text.hpp"
#include "trainer/commands/progress_line.hpp"

namespace spillway::trainer {
namespace {

using Clock = std::chrono::steady_clock;

const config::Usage kUsage{
    .command = "corpus mutate",
    .summary =
        "Grows a corpus to any size: its samples first, then mutants of them, every one with what "
        "gives the original back. A call that was stopped is taken up again by an equal one.",
    .positionals = {},
    .options =
        {{"in", "DIR", "a corpus made by `spillway corpus build`"},
         {"out", "DIR", "the new corpus"},
         {"samples", "N", "how many samples it gets"},
         {"operators", "LIST",
          "all, raw, names and categories separated by commas; see `spillway corpus operators`",
          "all"},
         {"long-context-share", "SHARE",
          "of the mutants that have 4096 bytes and more; the other categories share the rest",
          "0.02"},
         {"seed", "N", "another seed gives other mutants", "1"},
         {"threads", "N", "the result is the same for any number; 0: one per core", "0"},
         {"name", "NAME", "in the manifest; default: the last part of --out"},
         {"replace", "", "exchange an existing corpus at --out"},
         {"format", "text|json", "how to print the result", "text"}},
    .example = "spillway corpus mutate --in runs/corpus --out runs/edge-cases --samples 3000000"};

const std::string& required(const config::Arguments& arguments, const std::string& name) {
  if (!arguments.given(name)) fail_input("spillway corpus mutate: --" + name + " is missing");
  return arguments.value(name);
}

std::uint64_t at_least(const config::Arguments& arguments, const std::string& name,
                       std::int64_t least) {
  const std::int64_t value = arguments.integer(name);
  if (value < least) {
    fail_input("--" + name + " = " + std::to_string(value) +
               " is out of range; valid: >= " + std::to_string(least));
  }
  return static_cast<std::uint64_t>(value);
}

data::GrowOptions grow_options(const config::Arguments& arguments) {
  data::GrowOptions options;
  options.in = required(arguments, "in");
  options.out = required(arguments, "out");
  required(arguments, "samples");
  options.samples = at_least(arguments, "samples", 1);
  options.name = arguments.value("name");
  options.operators = arguments.value("operators");
  options.seed = at_least(arguments, "seed", 0);
  options.long_context_share = arguments.number("long-context-share");
  options.threads = at_least(arguments, "threads", 0);
  if (options.threads == 0) options.threads = std::max(1U, std::thread::hardware_concurrency());
  options.replace = arguments.flag("replace");
  return options;
}

std::string progress_text(std::uint64_t done, std::uint64_t kept, std::uint64_t all,
                          double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(done - kept) / seconds : 0;
  std::string text = "corpus mutate: " + with_commas(done) + " of " + with_commas(all) +
                     " samples, " + with_commas(static_cast<std::uint64_t>(rate)) + "/s";
  if (rate > 0)
    text += ", " + std::to_string(std::llround(static_cast<double>(all - done) / rate)) + " s left";
  return text;
}

void print(const data::GrowReport& report, double seconds, bool json) {
  const double rate =
      seconds > 0 ? std::round(static_cast<double>(report.written_samples) / seconds) : 0;
  if (json) {
    nlohmann::json out = summary_of(report.manifest);
    out["unmutated"] = report.unmutated;
    out["kept_shards"] = report.kept_shards;
    out["written_samples"] = report.written_samples;
    out["seconds"] = seconds;
    out["samples_per_second"] = rate;
    std::cout << out.dump() << "\n";
    return;
  }
  std::cout << summary_text(report.manifest) << "made " << with_commas(report.written_samples)
            << " samples in " << seconds << " s (" << with_commas(static_cast<std::uint64_t>(rate))
            << "/s)\n";
  if (report.kept_shards > 0)
    std::cout << "kept " << report.kept_shards << " shards that an earlier call had finished\n";
  if (report.unmutated > 0) {
    std::cout << "unmutated: " << with_commas(report.unmutated)
              << " samples to which no operator applied\n";
  }
}

}  // namespace

int run_corpus_mutate(const std::vector<std::string>& words) {
  const config::Arguments arguments = config::parse(kUsage, words);
  if (arguments.help()) {
    std::cout << config::help_text(kUsage);
    return 0;
  }
  const bool json = arguments.choice("format", "text | json") == "json";
  const data::GrowOptions options = grow_options(arguments);
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  data::GrowReport report;
  {
    ProgressLine line;
    report = data::grow_corpus(options, [&](std::uint64_t done, std::uint64_t kept) {
      line.show(progress_text(done, kept, options.samples, elapsed()));
    });
  }
  print(report, std::round(elapsed() * 100) / 100, json);
  return 0;
}

}  // namespace spillway::trainer
