#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "configs/load.hpp"

namespace spillway::config {

/// An option of a command beside the settings: `--name value`, or a flag when `value` is empty.
struct Option {
  std::string name;
  std::string value;  ///< placeholder in the help, e.g. "FILE" or "table|json"; empty: a flag
  std::string meaning;
  std::string fallback = "";  ///< value when absent
};

/// What a command takes; the source of its --help.
struct Usage {
  std::string command;  ///< "corpus build"
  std::string summary;  ///< one sentence
  std::vector<std::string>
      positionals;  ///< "CONFIG", "[CONFIG]" (may be absent), "FILE..." (one or more)
  std::vector<Option> options;
  bool settings = false;  ///< accepts --section.key=value
  std::string example = "";
};

/// The arguments of one call of a command.
class Arguments {
 public:
  bool help() const { return help_; }
  bool flag(const std::string& name) const { return flags_.contains(name); }
  bool given(const std::string& name) const { return values_.contains(name); }
  /// Value of an option, its fallback when absent.
  const std::string& value(const std::string& name) const;
  /// Value of an option that is one of "a | b | c". Throws Error(input) for another, proposing the
  /// nearest.
  const std::string& choice(const std::string& name, const std::string& valid) const;
  /// Several of them, separated by commas.
  std::vector<std::string> choices(const std::string& name, const std::string& valid) const;
  std::int64_t integer(
      const std::string& name) const;  ///< throws Error(input) when it is not a whole number
  double number(const std::string& name) const;  ///< throws Error(input) when it is not a number
  const std::vector<std::string>& positionals() const { return positionals_; }
  const std::vector<Override>& overrides() const { return overrides_; }

 private:
  friend Arguments parse(const Usage& usage, const std::vector<std::string>& words);
  bool help_ = false;
  std::map<std::string, bool> flags_;
  std::map<std::string, std::string> values_, fallbacks_;
  std::vector<std::string> positionals_;
  std::vector<Override> overrides_;
};

/// Throws Error(input) for an unknown option (proposing the nearest), a missing value, too few or
/// too many positionals.
Arguments parse(const Usage& usage, const std::vector<std::string>& words);

/// Text of --help: usage line, options, and with `settings` every setting with default, unit and
/// meaning.
std::string help_text(const Usage& usage);

/// read() and load() of the file at positional 0 (when given) and the overrides.
Config read(const Arguments& arguments);
Config load(const Arguments& arguments);

}  // namespace spillway::config
