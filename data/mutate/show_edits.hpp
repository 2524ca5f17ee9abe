#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data/corpus/sample.hpp"

namespace spillway::data {

/// How an original and its mutant are printed beside each other.
struct ShowOptions {
  std::size_t columns = 100;  ///< of the terminal; at least 24 are used
  bool colour = false;        ///< edits in colour; otherwise between [- -] and {+ +}
};

/// Original on the left, mutant on the right, line beside line, edits marked. Lines are broken at
/// the width of a column, in which wide characters count two. Characters that would hide, reorder,
/// erase or stack are printed as \u{N}, malformed bytes as \xNN, and in edits also blanks (·) and
/// line ends (¶).
std::string show_edits(const Sample& mutant, const ShowOptions& options);

/// Columns that a terminal gives a code point: 0 for marks and format characters, 2 for wide and
/// full-width ones (UAX #11), else 1.
int display_width(char32_t c);

}  // namespace spillway::data
