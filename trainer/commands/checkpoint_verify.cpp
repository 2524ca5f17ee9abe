#include <iostream>

#include "configs/command_line.hpp"
#include "trainer/checkpoint/checkpoint_store.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/progress_line.hpp"

namespace spillway::trainer {
namespace {

namespace fs = std::filesystem;

/// The checkpoint itself, or all of a run.
std::vector<fs::path> checkpoints_at(const fs::path& path) {
  std::vector<fs::path> folders;
  if (!fs::is_directory(path / "checkpoints")) return {path};
  for (const auto& entry : CheckpointStore(path).entries()) folders.push_back(entry.path);
  return folders;
}

}  // namespace

int run_checkpoint_verify(const std::vector<std::string>& words) {
  const config::Usage usage{
      .command = "checkpoint verify",
      .summary =
          "Reads every byte of a checkpoint, or of all checkpoints of "
          "a run, and compares it with the checksums in the manifest; "
          "exit code 1 when one differs.",
      .positionals = {"PATH"},
      .options = {},
      .example = "spillway checkpoint verify runs/demo/checkpoints/step-000050"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const fs::path path = existing_run(arguments.positionals()[0]);
  bool whole = true;
  ProgressLine progress;
  for (const fs::path& folder : checkpoints_at(path)) {
    progress.show("reading " + folder.string());
    const std::vector<std::string> damage = find_all_damage(folder);
    progress.clear();
    for (const std::string& line : damage) {
      std::cout << folder.string() << ": damaged: " << line << "\n";
    }
    if (damage.empty()) {
      const Checkpoint checkpoint(folder);
      std::cout << folder.string() << ": valid: " << checkpoint.names().size() << " tensors in "
                << checkpoint.manifest().files.size() << " files, step " << checkpoint.step()
                << "\n";
    }
    whole = whole && damage.empty();
  }
  return whole ? 0 : 1;
}

}  // namespace spillway::trainer
