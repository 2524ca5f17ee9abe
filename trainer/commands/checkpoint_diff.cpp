#include <iostream>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "trainer/checkpoint/checkpoint_store.hpp"
#include "trainer/checkpoint/compare.hpp"
#include "trainer/commands/command.hpp"

namespace spillway::trainer {
namespace {

Checkpoint open_checkpoint(const std::string& path) {
  const auto complain = [](const std::string& line) { std::cerr << "warning: " + line + "\n"; };
  return Checkpoint(find_checkpoint(existing_run(path), complain));
}

void print(const Comparison& result, std::int64_t most) {
  std::int64_t shown = 0;
  for (const Difference& one : result.differences) {
    if (shown++ == most) break;
    std::cout << one.name << ": " << one.what << "\n";
  }
  const auto different = static_cast<std::int64_t>(result.differences.size());
  if (different > most) std::cout << "... and " << different - most << " more\n";
  if (different == 0) {
    std::cout << "identical: all " << result.compared
              << " tensors of weights and optimizer state\n";
  } else {
    std::cout << "different: " << different << " of " << result.compared
              << " tensors of weights and optimizer state\n";
  }
  if (result.others > 0) {
    std::cout << "not counted: " << result.others_different << " of " << result.others
              << " other tensors differ\n";
  }
}

}  // namespace

int run_checkpoint_diff(const std::vector<std::string>& words) {
  const config::Usage usage{
      .command = "checkpoint diff",
      .summary =
          "Compares two checkpoints (or the newest valid ones of two runs) bit by bit; exit "
          "code 0 when all weights and optimizer state are identical, else 1.",
      .positionals = {"A", "B"},
      .options = {{"show", "N", "how many differing tensors to name", "10"}},
      .example = "spillway checkpoint diff runs/a/checkpoints/step-000050 runs/b"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const std::int64_t most = arguments.integer("show");
  if (most < 0) fail_input("--show = " + std::to_string(most) + " is negative");
  const Checkpoint a = open_checkpoint(arguments.positionals()[0]);
  const Checkpoint b = open_checkpoint(arguments.positionals()[1]);
  const Comparison result = compare(a, b);
  print(result, most);
  return result.differences.empty() ? 0 : 1;
}

}  // namespace spillway::trainer
