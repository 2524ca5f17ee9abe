#include "trainer/commands/compress_sweep_cells.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <sstream>

#include "compression/payload.hpp"
#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

constexpr std::string_view kSection = "compression.";

struct Axis {
  std::string setting;
  std::vector<std::string> values;
};

/// What a method may have to choose; those it has not leave its bytes as they are.
const std::vector<Axis>& axes() {
  static const std::vector<Axis> kAxes{{"approximation_rank", {"1", "4", "16"}},
                                       {"wire", {"fp32", "bf16"}},
                                       {"density", {"0.01", "0.001"}},
                                       {"quantization", {"int8", "int4"}}};
  return kAxes;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\n"), last = text.find_last_not_of(" \t\n");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    if (!trimmed(part).empty()) parts.push_back(trimmed(part));
  }
  return parts;
}

config::Config with_settings(const config::Arguments& arguments,
                             const std::vector<config::Override>& settings) {
  std::optional<std::filesystem::path> file;
  if (!arguments.positionals().empty()) file = arguments.positionals().front();
  std::vector<config::Override> all = arguments.overrides();
  all.insert(all.end(), settings.begin(), settings.end());
  return config::load(file, all);
}

SweepCell parse_cell(const std::string& text, const config::Arguments& arguments) {
  SweepCell cell;
  if (text.find('"') != std::string::npos)
    fail_input("--cells: " + text + " has a quotation mark; values are plain words");
  for (const std::string& word : split(text, ',')) {
    const std::size_t equals = word.find('=');
    const bool method = equals == std::string::npos;
    if (method && !cell.name.empty()) {
      fail_input(std::string("--cells: \"")
                     .append(word)
                     .append("\" in \"")
                     .append(text)
                     .append("\" is not SETTING=VALUE"));
    }
    cell.settings.emplace_back(
        std::string(kSection) + (method ? "method" : trimmed(word.substr(0, equals))),
        method ? word : trimmed(word.substr(equals + 1)));
    cell.name += (cell.name.empty() ? "" : ",") + word;
  }
  cell.config = with_settings(arguments, cell.settings);
  return cell;
}

bool is_setting(const std::string& name) {
  const std::vector<std::string> names = config::setting_names();
  return std::find(names.begin(), names.end(), std::string(kSection) + name) != names.end();
}

std::string join(const std::string& method, const std::vector<std::string>& words) {
  std::string text = method;
  for (const std::string& word : words) text += "," + word;
  return text;
}

/// All combinations of the axes that are settings here, as words "approximation_rank=1".
std::vector<std::vector<std::string>> combinations() {
  std::vector<std::vector<std::string>> all{{}};
  for (const Axis& axis : axes()) {
    if (!is_setting(axis.setting)) continue;
    std::vector<std::vector<std::string>> longer;
    for (const std::vector<std::string>& words : all) {
      for (const std::string& value : axis.values) {
        longer.push_back(words);
        longer.back().push_back(axis.setting + "=" + value);
      }
    }
    all = std::move(longer);
  }
  return all;
}

/// Names of compression.method, from its description.
std::vector<std::string> methods() {
  std::vector<std::string> names;
  const auto look = [&](const auto& field) {
    if (field.name == "method") names = split(std::string(field.limit.choices), '|');
  };
  std::apply([&](const auto&... field) { (look(field), ...); },
             config::CompressionConfig::fields());
  return names;
}

/// Without the words that the bytes do not depend on.
std::vector<std::string> telling(
    std::vector<std::string> words,
    const std::function<std::int64_t(const std::vector<std::string>&)>& bytes_of) {
  const std::int64_t bytes = bytes_of(words);
  for (std::size_t i = words.size(); i-- > 0;) {
    std::vector<std::string> fewer = words;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (bytes_of(fewer) == bytes) words = std::move(fewer);
  }
  return words;
}

}  // namespace

std::vector<SweepCell> parse_cells(const std::string& list, const config::Arguments& arguments) {
  std::vector<SweepCell> cells;
  std::set<std::string> names;
  for (const std::string& text : split(list, ';')) {
    cells.push_back(parse_cell(text, arguments));
    if (!names.insert(cells.back().name).second)
      fail_input("--cells names \"" + cells.back().name + "\" twice");
  }
  if (!names.contains(kBaselineCell))
    cells.insert(cells.begin(), parse_cell(kBaselineCell, arguments));
  return cells;
}

std::string default_cells(const config::Arguments& arguments,
                          const std::vector<compression::ParameterShape>& parameters) {
  std::string list;
  for (const std::string& method : methods()) {
    const auto bytes_of = [&](const std::vector<std::string>& words) {
      const config::CompressionConfig compression =
          parse_cell(join(method, words), arguments).config.compression;
      constexpr int kReplicas = 2;
      return compression::payload_of(compression, parameters, kReplicas, compression.start_step)
          .sent();
    };
    std::set<std::int64_t> seen;
    for (const std::vector<std::string>& words : combinations()) {
      if (!seen.insert(bytes_of(words)).second) continue;
      list += (list.empty() ? "" : ";") + join(method, telling(words, bytes_of));
    }
  }
  return list;
}

}  // namespace spillway::trainer
