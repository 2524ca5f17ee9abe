#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spillway::data {

/// What one sample is cut to.
enum class Unit : std::uint8_t { paragraph, section, file };
/// Throws Error(input) for an unknown name.
Unit unit_of(const std::string& name);

struct SplitOptions {
  Unit unit = Unit::paragraph;
  bool markdown = false;       ///< '#' headings and fences count
  std::size_t min_bytes = 16;  ///< shorter pieces are left out
  std::size_t max_bytes =
      8192;  ///< longer pieces are cut: at an empty line, else at a line, else at a code point
};

/// A piece of a text: bytes of it, without white space at its end or empty lines before it.
struct TextPiece {
  std::string_view text;
  std::size_t line = 1;  ///< where it begins
};

struct Pieces {
  std::vector<TextPiece> kept;
  std::uint64_t too_short = 0;
};

/// Cuts plain text, reStructuredText or Markdown. Headings are lines underlined (or also overlined)
/// by one repeated punctuation mark, in Markdown also lines that begin with 1 to 6 '#' and a space.
/// A paragraph is what stands between empty lines; a heading goes with the paragraph that follows,
/// a fenced block or one that is indented after "::" with the one before. A section runs from
/// heading to heading.
Pieces split_text(std::string_view text, const SplitOptions& options);

}  // namespace spillway::data
