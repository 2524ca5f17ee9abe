#include "configs/error.hpp"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <sstream>

namespace spillway {
namespace {

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

std::vector<std::string> split_choices(const std::string& choices) {
  std::vector<std::string> names;
  std::istringstream words(choices);
  for (std::string word; words >> word;) {
    if (word != "|") names.push_back(word);
  }
  return names;
}

}  // namespace

void fail(const std::string& message, std::source_location at) {
  const std::string file = std::filesystem::path(at.file_name()).filename().string();
  throw Error(ErrorKind::fault, file + ":" + std::to_string(at.line()) + ": " + message);
}

void fail_input(const std::string& message) { throw Error(ErrorKind::input, message); }

void fail_choice(const std::string& what, const std::string& value, const std::string& valid) {
  const std::string proposal = nearest(value, split_choices(valid));
  fail_input(what + " = \"" + value + "\" is not one of " + valid +
             (proposal.empty() ? "" : "; did you mean \"" + proposal + "\"?"));
}

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace spillway
