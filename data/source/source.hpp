#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/corpus/sample.hpp"
#include "data/source/split_text.hpp"

namespace spillway::data {

/// How a file is read, decided by its extension (a further .gz is unpacked).
enum class SourceKind : std::uint8_t { text, markdown, json_lines, yaml };

struct SourceFile {
  std::filesystem::path path;
  std::string origin;  ///< name in provenance: relative to the folder it was found in
  SourceKind kind = SourceKind::text;
  bool named = false;  ///< given on the command line, not found in a folder: then nothing about it
                       ///< is passed over in silence
};

/// Every readable file under `roots` (files or folders), sorted by path within each root. `skipped`
/// counts files in folders with other extensions. Throws Error(input) for a root that is not there
/// and for a named file with another extension.
std::vector<SourceFile> find_sources(const std::vector<std::filesystem::path>& roots,
                                     std::uint64_t& skipped);

struct SourceOptions {
  SplitOptions split;
  std::string language = "";  ///< of every sample; empty: found by path and script
};

/// What was left out, by reason ("shorter than --min-bytes"), in samples or files.
using LeftOut = std::map<std::string, std::uint64_t>;

using Emit = std::function<void(Sample)>;

/// Reads one file and emits its samples in order. Throws Error(input) naming file and line for
/// damage; a file found in a folder that is no dialogue YAML is left out and counted.
void read_source(const SourceFile& file, const SourceOptions& options, const Emit& emit,
                 LeftOut& left_out);

/// The content of a file, unpacked when it is gzip, without a byte-order mark and with line ends
/// "\n". Throws Error(input).
std::string read_text(const std::filesystem::path& path);

/// The readers behind read_source(); `text` is the content of the file.
void read_plain_text(const SourceFile& file, const std::string& text, const SourceOptions& options,
                     const Emit& emit, LeftOut& left_out);
void read_json_lines(const SourceFile& file, const std::string& text, const SourceOptions& options,
                     const Emit& emit);
void read_yaml(const SourceFile& file, const std::string& text, const SourceOptions& options,
               const Emit& emit, LeftOut& left_out);

}  // namespace spillway::data
