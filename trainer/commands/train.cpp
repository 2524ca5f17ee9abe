#include <iostream>

#include "configs/command_line.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "trainer/check_run.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/training_run.hpp"

namespace spillway::trainer {

int run_train(const std::vector<std::string>& words) {
  const config::Usage usage{
      .command = "train",
      .summary =
          "Trains a model; under mpirun with parallel.stages x replicas ranks. Continues from the "
          "newest valid checkpoint of run.dir.\n"
          "SIGTERM or SIGUSR1: saves at the next step and exits with 85.",
      .positionals = {"[CONFIG]"},
      .options = {},
      .settings = true,
      .example = "mpirun -np 4 spillway train configs/presets/demo.toml --run.steps=100"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const config::Config config = config::load(arguments);
  check_run(config, comm::launch_info().size);

  const comm::MpiEnvironment environment;
  Ranks ranks(config);
  check_run_folder(config.run.dir, *ranks.control);
  ranks.open_log(config.run.dir);
  std::vector<std::string> command_line{"spillway", "train"};
  command_line.insert(command_line.end(), words.begin(), words.end());
  PreparedLayout prepared = prepare_layout(config, ranks, config.run.dir);
  return TrainingRun(config, std::move(prepared), ranks, command_line).run();
}

}  // namespace spillway::trainer
