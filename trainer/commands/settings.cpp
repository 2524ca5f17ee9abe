#include <iostream>

#include "configs/command_line.hpp"
#include "trainer/commands/command.hpp"

namespace spillway::trainer {

int run_settings(const std::vector<std::string>& words) {
  const config::Usage usage{
      .command = "settings",
      .summary =
          "Lists every setting of a run, or prints a configuration with all settings resolved.",
      .positionals = {"[CONFIG]"},
      .options = {{"format", "text|markdown|toml", "how to print", "text"}},
      .settings = true};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const std::string& format = arguments.choice("format", "text | markdown | toml");
  if (format == "toml") {
    std::cout << config::to_toml(config::load(arguments));
  } else if (format == "markdown") {
    std::cout << config::settings_markdown();
  } else {
    std::cout << config::settings_text();
  }
  return 0;
}

}  // namespace spillway::trainer
