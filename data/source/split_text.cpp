#include "data/source/split_text.hpp"

#include <algorithm>

#include "configs/error.hpp"
#include "data/source/utf8.hpp"

namespace spillway::data {
namespace {

constexpr std::string_view kBlank = " \t\r\f\v";

struct Line {
  std::size_t begin = 0, end = 0;  // without the newline
};

class Splitter {
 public:
  Splitter(std::string_view text, const SplitOptions& options) : text_(text), options_(options) {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      lines_.push_back({begin, end});
      begin = end + 1;
    }
  }

  Pieces split() {
    std::size_t first = 0;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      track_fence(i);
      if (i > first && starts_piece(i)) {
        add(first, i);
        first = i;
      }
    }
    add(first, lines_.size());
    return std::move(pieces_);
  }

 private:
  std::string_view line(std::size_t i) const {
    return text_.substr(lines_[i].begin, lines_[i].end - lines_[i].begin);
  }
  bool blank(std::size_t i) const {
    return line(i).find_first_not_of(kBlank) == std::string_view::npos;
  }
  bool indented(std::size_t i) const {
    return line(i).starts_with(' ') || line(i).starts_with('\t');
  }

  /// Whether the line is one punctuation mark, three times or more.
  bool adornment(std::size_t i) const {
    if (i >= lines_.size()) return false;
    const std::string_view all = line(i);
    const std::size_t begin = all.find_first_not_of(kBlank), end = all.find_last_not_of(kBlank);
    if (begin == std::string_view::npos || end - begin < 2) return false;
    const char mark = all[begin];
    const std::string_view marks = options_.markdown ? "=-" : "=-~^\"'`#*+.:_";
    return marks.find(mark) != std::string_view::npos && all.find_first_not_of(mark, begin) > end;
  }

  /// Lines of the heading that begins at line `i`; 0 when none does.
  std::size_t heading_lines(std::size_t i) const {
    if (in_fence_ || blank(i)) return 0;
    if (const std::size_t marks = line(i).find_first_not_of('#');
        options_.markdown && marks >= 1 && marks <= 6 && line(i).substr(marks).starts_with(' ')) {
      return 1;
    }
    const auto title = [&](std::size_t k) {
      return k < lines_.size() && !blank(k) && !adornment(k);
    };
    if (adornment(i)) return title(i + 1) && adornment(i + 2) ? 3 : 0;
    // An underline without an overline before its title, which would have begun the heading
    // earlier.
    return title(i) && adornment(i + 1) && (i == 0 || blank(i - 1)) ? 2 : 0;
  }

  void track_fence(std::size_t i) {
    const std::string_view text = line(i);
    if (!options_.markdown) return;
    if (text.starts_with("```") || text.starts_with("~~~")) {
      if (!in_fence_) fence_ = text.substr(0, 3);
      if (text.starts_with(fence_)) in_fence_ = !in_fence_;
    }
  }

  bool starts_piece(std::size_t i) const {
    switch (options_.unit) {
      case Unit::file:
        return false;
      case Unit::section:
        return heading_lines(i) > 0;
      case Unit::paragraph:
        return starts_paragraph(i);
    }
    return false;
  }

  bool starts_paragraph(std::size_t i) const {
    if (blank(i) || !blank(i - 1) || in_fence_) return false;
    std::size_t last = i - 1;  // the last line with text before
    while (last > 0 && blank(last)) --last;
    if (blank(last)) return false;
    if (indented(i) &&
        line(last).substr(0, line(last).find_last_not_of(kBlank) + 1).ends_with("::"))
      return false;
    if (line(last).starts_with("#") && heading_lines(last) == 1) return false;
    const bool after_heading =
        (last >= 2 && heading_lines(last - 2) == 3) || (last >= 1 && heading_lines(last - 1) == 2);
    return !after_heading;
  }

  /// Adds lines [first, end) as one piece, or several when it is too long.
  void add(std::size_t first, std::size_t end) {
    while (first < end && blank(first)) ++first;
    if (first == end) return;
    std::string_view rest =
        text_.substr(lines_[first].begin, lines_[end - 1].end - lines_[first].begin);
    std::size_t at_line = first + 1;
    while (!rest.empty()) {
      const std::string_view piece = rest.substr(0, cut(rest));
      const std::string_view kept = piece.substr(0, piece.find_last_not_of(" \t\r\f\v\n") + 1);
      if (kept.size() >= options_.min_bytes)
        pieces_.kept.push_back({kept, at_line});
      else if (!kept.empty())
        ++pieces_.too_short;
      at_line += static_cast<std::size_t>(std::count(piece.begin(), piece.end(), '\n'));
      rest.remove_prefix(piece.size());
    }
  }

  /// Length of the first part of `rest` that fits.
  std::size_t cut(std::string_view rest) const {
    if (rest.size() <= options_.max_bytes) return rest.size();
    const std::string_view head = rest.substr(0, options_.max_bytes);
    if (const std::size_t at = head.rfind("\n\n"); at != std::string_view::npos && at > 0)
      return at + 2;
    if (const std::size_t at = head.rfind('\n'); at != std::string_view::npos && at > 0)
      return at + 1;
    return std::max<std::size_t>(boundary_before(rest, options_.max_bytes), 1);
  }

  std::string_view text_;
  const SplitOptions& options_;
  std::vector<Line> lines_;
  bool in_fence_ = false;
  std::string_view fence_;
  Pieces pieces_;
};

}  // namespace

Unit unit_of(const std::string& name) {
  if (name == "paragraph") return Unit::paragraph;
  if (name == "section") return Unit::section;
  if (name == "file") return Unit::file;
  fail_choice("--unit", name, "paragraph | section | file");
}

Pieces split_text(std::string_view text, const SplitOptions& options) {
  return Splitter(text, options).split();
}

}  // namespace spillway::data
