// Plain text, reStructuredText and Markdown as samples.
#include "data/source/language.hpp"
#include "data/source/source.hpp"
#include "data/source/utf8.hpp"

namespace spillway::data {

void read_plain_text(const SourceFile& file, const std::string& text, const SourceOptions& options,
                     const Emit& emit, LeftOut& left_out) {
  SplitOptions split = options.split;
  split.markdown = file.kind == SourceKind::markdown;
  const Pieces pieces = split_text(text, split);
  if (pieces.too_short > 0) left_out["shorter than --min-bytes"] += pieces.too_short;
  const std::string of_path = language_of_path(file.path);
  for (const TextPiece& piece : pieces.kept) {
    if (!is_utf8(piece.text) || piece.text.find('\0') != std::string_view::npos) {
      ++left_out["not UTF-8 text"];
      continue;
    }
    Sample sample;
    sample.bytes = piece.text;
    sample.language =
        options.language.empty() ? language_of(piece.text, of_path) : options.language;
    sample.origin = file.origin + ":" + std::to_string(piece.line);
    emit(std::move(sample));
  }
}

}  // namespace spillway::data
