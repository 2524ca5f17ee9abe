#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "data/corpus/corpus_writer.hpp"
#include "data/source/source.hpp"

namespace spillway::data {

struct BuildOptions {
  std::vector<std::filesystem::path> from;
  SourceOptions source;
  bool keep_duplicates =
      false;  ///< otherwise a sample equal to an earlier one, byte for byte, is left out
  CorpusWriterOptions writer;
};

struct BuildReport {
  Manifest manifest;
  std::uint64_t files = 0;
  LeftOut left_out;
};

/// Called after each file.
using BuildProgress =
    std::function<void(std::uint64_t files_done, std::uint64_t files, std::uint64_t samples)>;

/// Reads all sources in order into a new corpus. Equal sources and options give an equal corpus.
/// Throws Error; then nothing is published.
BuildReport build_corpus(const BuildOptions& options, const BuildProgress& progress);

}  // namespace spillway::data
