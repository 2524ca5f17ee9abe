#include "configs/command_line.hpp"

#include <cxxopts.hpp>
#include <sstream>

#include "configs/error.hpp"

namespace spillway::config {
namespace {

cxxopts::Options make_parser(const Usage& usage) {
  cxxopts::Options parser("spillway " + usage.command);
  parser.add_options()("h,help", "this text");
  for (const Option& option : usage.options) {
    if (option.value.empty()) {
      parser.add_options()(option.name, option.meaning);
    } else {
      parser.add_options()(option.name, option.meaning, cxxopts::value<std::string>(),
                           option.value);
    }
  }
  if (usage.settings) {
    for (const std::string& name : setting_names())
      parser.add_options()(name, "", cxxopts::value<std::string>());
  }
  parser.allow_unrecognised_options();
  return parser;
}

[[noreturn]] void fail_unknown_option(const Usage& usage, const std::string& word) {
  std::vector<std::string> known{"help"};
  for (const Option& option : usage.options) known.push_back(option.name);
  if (usage.settings) {
    for (const std::string& name : setting_names()) known.push_back(name);
  }
  const std::string name =
      word.substr(word.find_first_not_of('-'), word.find('=') - word.find_first_not_of('-'));
  const std::string proposal = nearest(name, known);
  fail_input("spillway " + usage.command + ": unknown option --" + name +
             (proposal.empty() ? "; see --help" : "; did you mean --" + proposal + "?"));
}

void check_positionals(const Usage& usage, std::size_t given) {
  std::size_t required = 0, most = usage.positionals.size();
  for (const std::string& name : usage.positionals) {
    if (name[0] != '[') ++required;
    if (name.ends_with("...")) most = std::string::npos;
  }
  if (given >= required && given <= most) return;
  std::string expected;
  for (const std::string& name : usage.positionals) expected += " " + name;
  fail_input("spillway " + usage.command + ": " + std::to_string(given) +
             " arguments given; expected" + (expected.empty() ? " none" : expected));
}

template <class Number>
Number to_number(const std::string& name, const std::string& text, const char* kind) {
  std::istringstream stream(text);
  Number number{};
  if (!(stream >> number) || !stream.eof())
    fail_input("--" + name + " = " + text + " is not " + kind);
  return number;
}

/// Throws Error(input) unless `given` is one of `valid` ("a | b | c").
void check_choice(const std::string& name, const std::string& given, const std::string& valid) {
  std::istringstream words(valid);
  for (std::string word; words >> word;) {
    if (word == given && word != "|") return;
  }
  fail_choice("--" + name, given, valid);
}

}  // namespace

const std::string& Arguments::value(const std::string& name) const {
  const auto found = values_.find(name);
  return found != values_.end() ? found->second : fallbacks_.at(name);
}

const std::string& Arguments::choice(const std::string& name, const std::string& valid) const {
  const std::string& given = value(name);
  check_choice(name, given, valid);
  return given;
}

std::vector<std::string> Arguments::choices(const std::string& name,
                                            const std::string& valid) const {
  std::vector<std::string> given;
  std::istringstream list(value(name));
  for (std::string entry; std::getline(list, entry, ',');) {
    check_choice(name, entry, valid);
    given.push_back(entry);
  }
  if (given.empty()) check_choice(name, "", valid);
  return given;
}

std::int64_t Arguments::integer(const std::string& name) const {
  return to_number<std::int64_t>(name, value(name), "a whole number");
}

double Arguments::number(const std::string& name) const {
  return to_number<double>(name, value(name), "a number");
}

Arguments parse(const Usage& usage, const std::vector<std::string>& words) {
  cxxopts::Options parser = make_parser(usage);
  std::vector<const char*> argv{"spillway"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  cxxopts::ParseResult result;
  try {
    result = parser.parse(static_cast<int>(argv.size()), argv.data());
  } catch (const std::exception& error) {  // a missing value; cxxopts quotes the option
    fail_input("spillway " + usage.command + ": " + error.what());
  }
  Arguments arguments;
  arguments.help_ = result.count("help") > 0;
  for (const std::string& word : result.unmatched()) {
    if (word.size() > 1 && word[0] == '-') fail_unknown_option(usage, word);
    arguments.positionals_.push_back(word);
  }
  for (const Option& option : usage.options) {
    arguments.fallbacks_[option.name] = option.fallback;
    if (result.count(option.name) == 0) continue;
    if (option.value.empty())
      arguments.flags_[option.name] = true;
    else
      arguments.values_[option.name] = result[option.name].as<std::string>();
  }
  if (usage.settings) {
    // In the order of the command line, so that a repeated setting's last value wins.
    for (const auto& pair : result.arguments()) {
      if (pair.key().find('.') != std::string::npos)
        arguments.overrides_.emplace_back(pair.key(), pair.value());
    }
  }
  if (!arguments.help_) check_positionals(usage, arguments.positionals_.size());
  return arguments;
}

std::string help_text(const Usage& usage) {
  std::ostringstream text;
  text << usage.summary << "\n\nusage: spillway " << usage.command;
  for (const std::string& name : usage.positionals) text << " " << name;
  if (!usage.options.empty()) text << " [options]";
  if (usage.settings) text << " [--section.key=value ...]";
  text << "\n";
  if (!usage.example.empty()) text << "example: " << usage.example << "\n";
  if (!usage.options.empty()) text << "\noptions\n";
  for (const Option& option : usage.options) {
    std::string head = "  --" + option.name + (option.value.empty() ? "" : " " + option.value);
    head.resize(std::max<std::size_t>(head.size() + 2, 30), ' ');
    text << head << option.meaning
         << (option.fallback.empty() ? "" : " (default: " + option.fallback + ")") << "\n";
  }
  if (usage.settings)
    text << "\nsettings (default shown; also keys of CONFIG.toml)\n" << settings_text();
  return text.str();
}

Config read(const Arguments& arguments) {
  std::optional<std::filesystem::path> file;
  if (!arguments.positionals().empty()) file = arguments.positionals().front();
  return read(file, arguments.overrides());
}

Config load(const Arguments& arguments) {
  const Config config = read(arguments);
  validate(config);
  return config;
}

}  // namespace spillway::config
