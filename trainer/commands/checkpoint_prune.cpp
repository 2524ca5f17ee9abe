#include <iostream>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "trainer/checkpoint/checkpoint_store.hpp"
#include "trainer/commands/command.hpp"

namespace spillway::trainer {

int run_checkpoint_prune(const std::vector<std::string>& words) {
  const config::Usage usage{
      .command = "checkpoint prune",
      .summary =
          "Removes all checkpoints of a run that are older than its newest N valid ones; at "
          "least two valid ones always stay.",
      .positionals = {"RUN"},
      .options = {{"keep", "N", "valid checkpoints to keep (required)"}},
      .example = "spillway checkpoint prune runs/demo --keep 3"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  if (!arguments.given("keep")) fail_input("--keep is missing; say how many checkpoints to keep");
  const std::int64_t keep = arguments.integer("keep");
  if (keep < 0) fail_input("--keep = " + std::to_string(keep) + " is negative; valid: >= 0");
  CheckpointStore store(existing_run(arguments.positionals()[0]));
  for (const std::filesystem::path& path : store.prune(keep)) {
    std::cout << "removed " << path.string() << "\n";
  }
  std::size_t valid = 0, damaged = 0;
  for (const auto& entry : store.entries()) ++(store.damage(entry).empty() ? valid : damaged);
  std::cout << "kept " << valid << " valid"
            << (damaged > 0 ? ", and " + std::to_string(damaged) + " damaged newer than those" : "")
            << (keep < 2 ? " (never fewer than 2 valid ones)" : "") << "\n";
  return 0;
}

}  // namespace spillway::trainer
