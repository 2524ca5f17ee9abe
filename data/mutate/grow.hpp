#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "data/corpus/manifest.hpp"
#include "data/mutate/mutator.hpp"

namespace spillway::data {

/// How a corpus is grown.
struct GrowOptions {
  std::filesystem::path in;   ///< a corpus built from sources
  std::filesystem::path out;  ///< the new corpus
  std::string name = "";      ///< empty: the last part of `out`
  std::uint64_t samples = 0;
  std::string operators = "all";  ///< of select_operators()
  std::uint64_t seed = 1;
  double long_context_share = 0.02;
  std::size_t threads = 1;
  bool replace = false;  ///< an existing corpus at `out` is exchanged
};

struct GrowReport {
  Manifest manifest;
  std::uint64_t unmutated = 0;    ///< beyond the base: samples to which no operator applied
  std::uint64_t kept_shards = 0;  ///< finished by an earlier call that was stopped
  std::uint64_t written_samples = 0;
};

/// Called from the calling thread a few times a second with the samples done, including those that
/// an earlier call finished.
using GrowProgress = std::function<void(std::uint64_t done, std::uint64_t kept)>;

/// Makes a corpus of `samples` samples: sample j < base count is base sample j, every other one a
/// mutant of base sample j % base count under RandomKey(seed).split(j), or that base sample once
/// more where no operator applies. What operators quote comes from base samples that no run holds
/// out. The result is the same for any number of threads. Shards are made in OUT.tmp, which becomes
/// OUT at the end; after a kill or a fault a call with equal options keeps the finished shards.
/// Throws Error(input) for bad options, a corpus that was itself grown, or a folder in use.
GrowReport grow_corpus(const GrowOptions& options, const GrowProgress& progress);

}  // namespace spillway::data
