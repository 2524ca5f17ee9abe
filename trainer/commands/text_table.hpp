#pragma once

#include <set>
#include <string>
#include <vector>

namespace spillway::trainer {

/// A table of text: columns as wide as their widest cell, separated by " | ", aligned to the right
/// unless said otherwise.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  void add_columns(const std::vector<std::string>& columns) {
    columns_.insert(columns_.end(), columns.begin(), columns.end());
  }
  void align_left(const std::string& column) { left_.insert(column); }
  /// One cell a column.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  std::string line(const std::vector<std::string>& cells,
                   const std::vector<std::size_t>& widths) const;

  std::vector<std::string> columns_;
  std::set<std::string> left_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace spillway::trainer
