#include <chrono>
#include <iostream>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "data/source/build.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/corpus_text.hpp"
#include "trainer/commands/progress_line.hpp"

namespace spillway::trainer {
namespace {

const config::Usage kUsage{
    .command = "corpus build",
    .summary =
        "Makes a corpus of text files (.txt .rst .md) and dialogues (.jsonl, ChatterBot .yml), "
        "each also .gz.",
    .positionals = {"[DIR_OR_FILE]..."},
    .options =
        {{"from", "DIR_OR_FILES...", "what to read; folders are searched"},
         {"out", "DIR", "the new corpus"},
         {"unit", "paragraph|section|file", "what one sample of a text is", "paragraph"},
         {"min-bytes", "N", "shorter samples of text are left out", "16"},
         {"max-bytes", "N",
          "longer samples of text are cut; 0: 8192 (paragraph), 65536 (section), 1048576 (file)",
          "0"},
         {"language", "CODE", "of every sample, e.g. en or zh; auto: by path and script", "auto"},
         {"keep-duplicates", "", "keep samples that are equal byte for byte"},
         {"name", "NAME", "in the manifest; default: the last part of --out"},
         {"shard-mib", "N", "text of one shard", "256"},
         {"replace", "", "exchange an existing corpus at --out"},
         {"format", "text|json", "how to print the result", "text"}},
    .example = "spillway corpus build --from docs chats.jsonl --out runs/corpus"};

/// `--from A B --from=C`: the option's words become positionals, as many as there are.
std::vector<std::string> spread_from(const std::vector<std::string>& words) {
  std::vector<std::string> spread;
  for (const std::string& word : words) {
    if (word.starts_with("--from="))
      spread.push_back(word.substr(7));
    else if (word != "--from")
      spread.push_back(word);
  }
  return spread;
}

std::size_t at_least(const config::Arguments& arguments, const std::string& name,
                     std::int64_t least) {
  const std::int64_t value = arguments.integer(name);
  if (value < least)
    fail_input("--" + name + " = " + std::to_string(value) +
               " is out of range; valid: >= " + std::to_string(least));
  return static_cast<std::size_t>(value);
}

data::SplitOptions split_options(const config::Arguments& arguments) {
  constexpr std::size_t kLongest[] = {8192, 65536, 1048576};
  data::SplitOptions split;
  split.unit = data::unit_of(arguments.value("unit"));
  split.min_bytes = at_least(arguments, "min-bytes", 1);
  split.max_bytes = at_least(arguments, "max-bytes", 0);
  if (split.max_bytes == 0) split.max_bytes = kLongest[static_cast<std::size_t>(split.unit)];
  if (split.max_bytes < std::max<std::size_t>(split.min_bytes, 8)) {
    fail_input(
        "--max-bytes = " + std::to_string(split.max_bytes) +
        " is out of range; valid: >= 8 and >= --min-bytes = " + std::to_string(split.min_bytes));
  }
  return split;
}

data::BuildOptions build_options(const config::Arguments& arguments) {
  if (arguments.positionals().empty())
    fail_input("spillway corpus build: --from DIR_OR_FILES... is missing");
  if (!arguments.given("out")) fail_input("spillway corpus build: --out DIR is missing");
  data::BuildOptions options;
  options.from = {arguments.positionals().begin(), arguments.positionals().end()};
  options.source.split = split_options(arguments);
  if (arguments.value("language") != "auto") options.source.language = arguments.value("language");
  options.keep_duplicates = arguments.flag("keep-duplicates");
  options.writer.out = arguments.value("out");
  options.writer.name = arguments.value("name");
  options.writer.shard_bytes = at_least(arguments, "shard-mib", 1) << 20;
  options.writer.replace = arguments.flag("replace");
  options.writer.options = {{"unit", arguments.value("unit")},
                            {"min_bytes", std::to_string(options.source.split.min_bytes)},
                            {"max_bytes", std::to_string(options.source.split.max_bytes)},
                            {"language", arguments.value("language")},
                            {"duplicates", options.keep_duplicates ? "kept" : "left out"}};
  return options;
}

void print(const data::BuildReport& report, double seconds, bool json) {
  if (json) {
    nlohmann::json out = summary_of(report.manifest);
    out["files"] = report.files;
    out["left_out"] = report.left_out;
    out["seconds"] = seconds;
    std::cout << out.dump() << "\n";
    return;
  }
  std::cout << summary_text(report.manifest) << "read " << with_commas(report.files) << " files in "
            << seconds << " s\n";
  for (const auto& [reason, count] : report.left_out)
    std::cout << "left out: " << with_commas(count) << " " << reason << "\n";
}

}  // namespace

int run_corpus_build(const std::vector<std::string>& words) {
  const config::Arguments arguments = config::parse(kUsage, spread_from(words));
  if (arguments.help()) {
    std::cout << config::help_text(kUsage);
    return 0;
  }
  const bool json = arguments.choice("format", "text | json") == "json";
  const auto start = std::chrono::steady_clock::now();
  data::BuildReport report;
  {
    ProgressLine line;
    report = data::build_corpus(
        build_options(arguments),
        [&](std::uint64_t done, std::uint64_t files, std::uint64_t samples) {
          line.show("corpus build: " + with_commas(done) + " of " + with_commas(files) +
                    " files, " + with_commas(samples) + " samples");
        });
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  print(report, std::round(seconds.count() * 100) / 100, json);
  return 0;
}

}  // namespace spillway::trainer
