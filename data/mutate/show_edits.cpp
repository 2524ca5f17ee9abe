#include "data/mutate/show_edits.hpp"

#include <unicode/uchar.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "data/mutate/characters.hpp"

namespace spillway::data {
namespace {

/// What is printed for one code point.
struct Cell {
  std::string text;
  std::size_t width = 0;
  bool changed = false;
};
using Line = std::vector<Cell>;

struct Style {
  std::string_view open, close;
  bool takes_columns;  ///< marks do, colour does not
};

bool needs_escape(char32_t c, bool changed) {
  const auto point = static_cast<UChar32>(c);
  const std::uint32_t kind = U_GET_GC_MASK(point);
  if (kind &
      (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK | U_GC_CN_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK))
    return true;
  if ((kind & U_GC_ZS_MASK) && c != ' ') return true;
  if (u_hasBinaryProperty(point, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) return true;
  return changed && (kind & U_GC_M_MASK);
}

Cell escaped(const char* format, std::uint32_t value, bool changed) {
  char text[24];
  const int size = std::snprintf(text, sizeof text, format, value);
  return {text, static_cast<std::size_t>(size), changed};
}

Cell cell_at(std::string_view text, std::size_t at, const CodePoint& c, bool changed) {
  if (c.length == 0) return escaped("\\x%02x", static_cast<unsigned char>(text[at]), changed);
  if (c.value == '\t') return changed ? Cell{"\\t", 2, true} : Cell{"    ", 4, false};
  if (c.value == ' ' && changed) return {"·", 1, true};
  if (needs_escape(c.value, changed)) return escaped("\\u{%x}", c.value, changed);
  return {std::string(text.substr(at, c.length)), static_cast<std::size_t>(display_width(c.value)),
          changed};
}

/// Appends `text` to the last of `lines`; a newline begins another.
void append(std::vector<Line>& lines, std::string_view text, bool changed) {
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\n') {
      if (changed) lines.back().push_back({"¶", 1, true});
      lines.emplace_back();
      ++at;
      continue;
    }
    const CodePoint c = code_point_at(text, at);
    lines.back().push_back(cell_at(text, at, c, changed));
    at += std::max<std::size_t>(c.length, 1);
  }
}

/// Turns marks into cells, so that they take part in breaking lines.
Line with_marks(const Line& line, const Style& style) {
  Line marked;
  bool open = false;
  for (const Cell& cell : line) {
    if (cell.changed != open)
      marked.push_back({std::string(open ? style.close : style.open), 2, false});
    open = cell.changed;
    marked.push_back(cell);
  }
  if (open) marked.push_back({std::string(style.close), 2, false});
  return marked;
}

/// One printed line of a column.
struct Printed {
  std::string text;
  std::size_t width = 0;
};

std::vector<Printed> break_line(const Line& line, std::size_t width, const Style& style) {
  std::vector<Printed> printed(1);
  bool coloured = false;
  const auto end_colour = [&] {
    if (coloured) printed.back().text += style.close;
    coloured = false;
  };
  for (const Cell& cell : style.takes_columns ? with_marks(line, style) : line) {
    if (printed.back().width + cell.width > width && printed.back().width > 0) {
      end_colour();
      printed.emplace_back();
    }
    const bool colour = cell.changed && !style.takes_columns;
    if (!colour) end_colour();
    if (colour && !coloured) printed.back().text += style.open;
    coloured = colour;
    printed.back().text += cell.text;
    printed.back().width += cell.width;
  }
  end_colour();
  return printed;
}

/// Prints two columns that meet again after every line that both have.
class Columns {
 public:
  Columns(std::size_t width, bool colour)
      : width_(width),
        left_style_(colour ? Style{"\x1b[31m", "\x1b[0m", false} : Style{"[-", "-]", true}),
        right_style_(colour ? Style{"\x1b[32m", "\x1b[0m", false} : Style{"{+", "+}", true}) {}

  void common(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      append(left_, text.substr(at, end - at), false);
      append(right_, text.substr(at, end - at), false);
      if (end < text.size()) print();
      at = end + 1;
    }
  }

  void edit(std::string_view original, std::string_view mutant) {
    append(left_, original, true);
    append(right_, mutant, true);
  }

  std::string finish() {
    print();
    return std::move(text_);
  }

 private:
  std::vector<Printed> broken(std::vector<Line>& lines, const Style& style) const {
    std::vector<Printed> all;
    for (const Line& line : lines) {
      for (Printed& printed : break_line(line, width_, style)) all.push_back(std::move(printed));
    }
    lines.assign(1, {});
    return all;
  }

  void print() {
    const std::vector<Printed> left = broken(left_, left_style_),
                               right = broken(right_, right_style_);
    for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
      const Printed shown = i < left.size() ? left[i] : Printed{};
      text_ += shown.text + std::string(width_ - std::min(width_, shown.width), ' ') + " |";
      if (i < right.size() && !right[i].text.empty()) text_ += " " + right[i].text;
      text_ += "\n";
    }
  }

  std::size_t width_;
  Style left_style_, right_style_;
  std::vector<Line> left_{1}, right_{1};
  std::string text_;
};

}  // namespace

int display_width(char32_t c) {
  const auto point = static_cast<UChar32>(c);
  if (U_GET_GC_MASK(point) & (U_GC_MN_MASK | U_GC_ME_MASK | U_GC_CF_MASK)) return 0;
  const int width = u_getIntPropertyValue(point, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

std::string show_edits(const Sample& mutant, const ShowOptions& options) {
  undo(mutant.bytes, mutant.provenance.edits);  // throws when the script does not fit
  const std::string_view text = mutant.bytes;
  Columns columns((std::max<std::size_t>(options.columns, 24) - 3) / 2, options.colour);
  std::size_t at = 0;
  for (const Edit& edit : mutant.provenance.edits.edits) {
    columns.common(text.substr(at, edit.mutant_begin - at));
    columns.edit(edit.original, text.substr(edit.mutant_begin, edit.mutant_length));
    at = edit.mutant_begin + edit.mutant_length;
  }
  columns.common(text.substr(at));
  return columns.finish();
}

}  // namespace spillway::data
