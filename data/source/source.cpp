#include "data/source/source.hpp"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "configs/error.hpp"

namespace spillway::data {
namespace {

namespace fs = std::filesystem;

std::optional<SourceKind> kind_of(fs::path path) {
  if (path.extension() == ".gz") path.replace_extension();
  const std::string extension = path.extension().string();
  if (extension == ".txt" || extension == ".rst") return SourceKind::text;
  if (extension == ".md" || extension == ".markdown") return SourceKind::markdown;
  if (extension == ".jsonl" || extension == ".ndjson") return SourceKind::json_lines;
  if (extension == ".yml" || extension == ".yaml") return SourceKind::yaml;
  return std::nullopt;
}

void find_in_folder(const fs::path& root, std::vector<SourceFile>& found, std::uint64_t& skipped) {
  std::error_code error;
  fs::recursive_directory_iterator walk(root, fs::directory_options::follow_directory_symlink,
                                        error);
  if (error) fail_input("--from " + root.string() + ": cannot be read (" + error.message() + ")");
  const auto first = static_cast<std::ptrdiff_t>(found.size());
  for (const fs::directory_entry& entry : walk) {
    if (!entry.is_regular_file()) continue;
    const std::optional<SourceKind> kind = kind_of(entry.path());
    if (!kind)
      ++skipped;
    else
      found.push_back(
          {entry.path(), entry.path().lexically_relative(root).generic_string(), *kind});
  }
  std::sort(found.begin() + first, found.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.origin < b.origin; });
}

}  // namespace

std::vector<SourceFile> find_sources(const std::vector<fs::path>& roots, std::uint64_t& skipped) {
  std::vector<SourceFile> found;
  for (const fs::path& root : roots) {
    if (fs::is_directory(root)) {
      find_in_folder(root, found, skipped);
      continue;
    }
    if (!fs::exists(root)) fail_input("--from " + root.string() + ": no such file or folder");
    const std::optional<SourceKind> kind = kind_of(root);
    if (!kind)
      fail_input("--from " + root.string() +
                 ": unknown extension; valid: .txt .rst .md .markdown .jsonl .ndjson .yml .yaml, "
                 "each also .gz");
    found.push_back({root, root.filename().string(), *kind, /*named=*/true});
  }
  return found;
}

std::string read_text(const fs::path& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) fail_input(path.string() + ": cannot be read");
  std::string text;
  char block[1 << 16];
  int count = 0;
  while ((count = gzread(file.get(), block, sizeof block)) > 0)
    text.append(block, static_cast<std::size_t>(count));
  int code = Z_OK;
  const char* reason = gzerror(file.get(), &code);
  if (count < 0 || code != Z_OK)
    fail_input(path.string() + ": cannot be unpacked (" + reason + ")");
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  if (text.find('\r') != std::string::npos) {
    std::string unix_text;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n')
        unix_text.push_back(text[i]);
    }
    text = std::move(unix_text);
  }
  return text;
}

void read_source(const SourceFile& file, const SourceOptions& options, const Emit& emit,
                 LeftOut& left_out) {
  const std::string text = read_text(file.path);
  switch (file.kind) {
    case SourceKind::text:
    case SourceKind::markdown:
      return read_plain_text(file, text, options, emit, left_out);
    case SourceKind::json_lines:
      return read_json_lines(file, text, options, emit);
    case SourceKind::yaml:
      return read_yaml(file, text, options, emit, left_out);
  }
}

}  // namespace spillway::data
