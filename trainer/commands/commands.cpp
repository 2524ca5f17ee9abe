#include "trainer/commands/command.hpp"

namespace spillway::trainer {

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands{
      {"settings", "lists every setting of a run", run_settings},
  };
  return kCommands;
}

}  // namespace spillway::trainer
