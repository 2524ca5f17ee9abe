#include <bit>
#include <iostream>
#include <map>
#include <unordered_set>

#include "configs/command_line.hpp"
#include "data/corpus/checksum.hpp"
#include "data/corpus/corpus_reader.hpp"
#include "data/tokens/byte_tokenizer.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/corpus_text.hpp"
#include "trainer/commands/progress_line.hpp"

namespace spillway::trainer {
namespace {

/// What the manifest does not say and a pass over all samples does.
struct Statistics {
  std::uint64_t tokens = 0, turns = 0, dialogues = 0, duplicates = 0;
  std::map<std::uint64_t, std::uint64_t> lengths;  ///< samples of [k, 2k) bytes, by k
  std::map<std::string, std::uint64_t> effects;    ///< mutants by what they do to the label
};

Statistics gather(const data::CorpusReader& reader) {
  Statistics statistics;
  std::unordered_set<std::uint64_t> hashes;
  ProgressLine line;
  for (std::uint64_t id = 0; id < reader.size(); ++id) {
    const data::Sample sample = reader.get(id);
    statistics.tokens += data::encoded_length(sample.bytes.size(), sample.turns.size());
    statistics.turns += sample.turns.size();
    statistics.dialogues += !sample.turns.empty();
    statistics.duplicates += !hashes.insert(data::checksum(sample.bytes)).second;
    ++statistics.lengths[std::bit_floor(sample.bytes.size())];
    if (!sample.provenance.operator_name.empty())
      ++statistics.effects[data::to_string(sample.provenance.label_effect)];
    if (id % 4096 == 0)
      line.show("corpus stats: " + with_commas(id) + " of " + with_commas(reader.size()) +
                " samples");
  }
  return statistics;
}

void print_text(const data::Manifest& manifest, const Statistics& statistics) {
  std::cout << summary_text(manifest) << "tokens " << with_commas(statistics.tokens) << "; "
            << with_commas(statistics.dialogues) << " dialogues of "
            << with_commas(statistics.turns) << " turns; " << with_commas(statistics.duplicates)
            << " samples equal to an earlier one\n";
  for (const auto& [effect, count] : statistics.effects)
    std::cout << "label effect " << effect << ": " << with_commas(count) << "\n";
  std::uint64_t most = 1;
  for (const auto& [from, count] : statistics.lengths) most = std::max(most, count);
  std::cout << "length in bytes\n";
  for (const auto& [from, count] : statistics.lengths) {
    std::string head =
        "  " + with_commas(from) + " to " + with_commas(from == 0 ? 0 : 2 * from - 1);
    head.resize(34, ' ');
    std::string tally = with_commas(count);
    tally.resize(12, ' ');
    std::cout << head << tally << std::string((count * 40 + most - 1) / most, '#') << "\n";
  }
}

nlohmann::json as_json(const data::Manifest& manifest, const Statistics& statistics) {
  nlohmann::json out = summary_of(manifest);
  out["tokens"] = statistics.tokens;
  out["dialogues"] = statistics.dialogues;
  out["turns"] = statistics.turns;
  out["duplicates"] = statistics.duplicates;
  out["label_effects"] = statistics.effects;
  out["lengths"] = nlohmann::json::array();
  for (const auto& [from, count] : statistics.lengths)
    out["lengths"].push_back({{"from_bytes", from}, {"samples", count}});
  return out;
}

}  // namespace

int run_corpus_stats(const std::vector<std::string>& words) {
  const config::Usage usage{.command = "corpus stats",
                            .summary =
                                "Counts samples by category, language, operator and length; "
                                "tokens, turns and duplicates.",
                            .positionals = {"DIR"},
                            .options = {{"format", "text|json", "how to print the result", "text"}},
                            .example = "spillway corpus stats runs/corpus --format json"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const bool json = arguments.choice("format", "text | json") == "json";
  const data::CorpusReader reader(arguments.positionals()[0]);
  const Statistics statistics = gather(reader);
  if (json)
    std::cout << as_json(reader.manifest(), statistics).dump() << "\n";
  else
    print_text(reader.manifest(), statistics);
  return 0;
}

}  // namespace spillway::trainer
