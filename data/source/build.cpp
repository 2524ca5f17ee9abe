#include "data/source/build.hpp"

#include <unordered_set>

#include "configs/error.hpp"
#include "data/corpus/checksum.hpp"

namespace spillway::data {
namespace {

/// The samples seen so far, as 128-bit hashes: two samples in a billion billion collide.
class Seen {
 public:
  /// Whether this is the first sample of these bytes and turns.
  bool first(const Sample& sample) {
    std::uint64_t turns = 0;
    for (const Turn& turn : sample.turns) turns = turns * 31 + turn.end;
    return hashes_.insert({checksum(sample.bytes, turns), checksum(sample.bytes, ~turns)}).second;
  }

 private:
  struct Pair {
    std::uint64_t a, b;
    bool operator==(const Pair&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Pair& pair) const { return pair.a; }
  };
  std::unordered_set<Pair, Hash> hashes_;
};

}  // namespace

BuildReport build_corpus(const BuildOptions& options, const BuildProgress& progress) {
  BuildReport report;
  std::uint64_t skipped = 0;
  const std::vector<SourceFile> files = find_sources(options.from, skipped);
  if (files.empty())
    fail_input(
        "--from: no readable file; valid: .txt .rst .md .markdown .jsonl .ndjson .yml .yaml, each "
        "also .gz");
  if (skipped > 0) report.left_out["unknown extension (files)"] = skipped;
  CorpusWriter writer(options.writer);
  Seen seen;
  const Emit emit = [&](Sample sample) {
    if (options.keep_duplicates || seen.first(sample))
      writer.append(std::move(sample));
    else
      ++report.left_out["duplicates"];
  };
  for (const SourceFile& file : files) {
    read_source(file, options.source, emit, report.left_out);
    progress(++report.files, files.size(), writer.samples());
  }
  report.manifest = writer.seal();
  return report;
}

}  // namespace spillway::data
