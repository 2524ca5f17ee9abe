#include <chrono>
#include <iostream>

#include "configs/command_line.hpp"
#include "data/corpus/corpus_reader.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/corpus_text.hpp"

namespace spillway::trainer {

int run_corpus_verify(const std::vector<std::string>& words) {
  const config::Usage usage{.command = "corpus verify",
                            .summary =
                                "Reads every byte of a corpus and compares it with its checksums; "
                                "exit code 1 when one differs.",
                            .positionals = {"DIR"},
                            .options = {{"format", "text|json", "how to print the result", "text"}},
                            .example = "spillway corpus verify runs/corpus"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const bool json = arguments.choice("format", "text | json") == "json";
  const std::filesystem::path dir = arguments.positionals()[0];
  const data::Manifest manifest = data::read_manifest(dir);
  const std::vector<data::Damage> damage = data::verify(dir);
  if (json) {
    nlohmann::json out{{"corpus", dir.string()},
                       {"samples", manifest.samples},
                       {"shards", manifest.shards.size()},
                       {"whole", damage.empty()}};
    out["damage"] = nlohmann::json::array();
    for (const data::Damage& one : damage)
      out["damage"].push_back({{"shard", one.shard}, {"what", one.what}});
    std::cout << out.dump() << "\n";
  } else if (damage.empty()) {
    std::cout << "corpus " << dir.string() << ": whole; " << with_commas(manifest.samples)
              << " samples in " << manifest.shards.size() << " shards, root " << manifest.root
              << "\n";
  } else {
    for (const data::Damage& one : damage) std::cout << one.what << "\n";
  }
  return damage.empty() ? 0 : 1;
}

}  // namespace spillway::trainer
