#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <iostream>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "data/corpus/corpus_reader.hpp"
#include "data/mutate/show_edits.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/corpus_text.hpp"

namespace spillway::trainer {
namespace {

std::uint64_t to_id(const std::string& word) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
  if (error != std::errc() || end != word.data() + word.size())
    fail_input("spillway corpus show: ID = " + word + " is not a whole number");
  return id;
}

std::string heading(const data::Sample& sample, const data::CorpusReader& reader) {
  std::string text = "sample " + std::to_string(sample.id) + " of " + reader.dir().string() + " (" +
                     reader.shard_of(sample.id).path().filename().string() + ")\n" +
                     data::to_string(sample.category) + ", " + sample.language + ", " +
                     with_commas(sample.bytes.size()) + " bytes, from " + sample.origin + "\n";
  const data::Provenance& provenance = sample.provenance;
  if (provenance.operator_name.empty()) return text;
  return text + "made of sample " + std::to_string(provenance.base_id) + " by " +
         provenance.operator_name + ", key " + std::to_string(provenance.key) + ", " +
         std::to_string(provenance.edits.edits.size()) + " edits, label effect " +
         data::to_string(provenance.label_effect) + "\n";
}

std::string body(const data::Sample& sample) {
  if (sample.turns.empty()) return printable(sample.bytes) + "\n";
  std::string text;
  for (const data::Turn& turn : sample.turns) {
    text += "[" + turn.role + "] " +
            printable(std::string_view(sample.bytes).substr(turn.begin, turn.end - turn.begin)) +
            "\n";
  }
  return text;
}

/// As wide as the terminal; edits in colour on one.
data::ShowOptions show_options() {
  data::ShowOptions options;
  options.colour = ::isatty(STDOUT_FILENO) == 1;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    options.columns = size.ws_col;
  return options;
}

nlohmann::json as_json(const data::Sample& sample) {
  const auto clean = [](const std::string& bytes) { return printable(bytes); };
  nlohmann::json out{{"id", sample.id},
                     {"category", data::to_string(sample.category)},
                     {"language", sample.language},
                     {"origin", sample.origin},
                     {"text", clean(sample.bytes)},
                     {"base_id", sample.provenance.base_id},
                     {"operator", sample.provenance.operator_name},
                     {"key", sample.provenance.key},
                     {"label_effect", data::to_string(sample.provenance.label_effect)}};
  out["turns"] = nlohmann::json::array();
  for (const data::Turn& turn : sample.turns) {
    out["turns"].push_back({{"role", turn.role}, {"begin", turn.begin}, {"end", turn.end}});
  }
  out["edits"] = nlohmann::json::array();
  for (const data::Edit& edit : sample.provenance.edits.edits) {
    out["edits"].push_back({{"mutant_begin", edit.mutant_begin},
                            {"mutant_length", edit.mutant_length},
                            {"original", clean(edit.original)}});
  }
  return out;
}

}  // namespace

int run_corpus_show(const std::vector<std::string>& words) {
  const config::Usage usage{
      .command = "corpus show",
      .summary =
          "Prints one sample: where it comes from, its turns, and for a mutant the original beside "
          "it.",
      .positionals = {"DIR", "ID"},
      .options = {{"format", "text|json", "how to print; json escapes what is invisible", "text"}},
      .example = "spillway corpus show runs/corpus 17"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const bool json = arguments.choice("format", "text | json") == "json";
  const data::CorpusReader reader(arguments.positionals()[0]);
  const data::Sample sample = reader.get(to_id(arguments.positionals()[1]));
  if (json) {
    std::cout << as_json(sample).dump() << "\n";
    return 0;
  }
  std::cout << heading(sample, reader) << "\n";
  const bool mutant = !sample.provenance.operator_name.empty();
  if (mutant) std::cout << data::show_edits(sample, show_options());
  if (mutant && !sample.turns.empty()) std::cout << "\nturns of the mutant\n";
  if (!mutant || !sample.turns.empty()) std::cout << body(sample);
  return 0;
}

}  // namespace spillway::trainer
