#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "data/mutate/random_key.hpp"
#include "data/mutate/words.hpp"

namespace spillway::data {

/// What may stand for a phrase: alternatives separated by '|'. An English phrase (ASCII letters,
/// words separated by single blanks) matches whole words in any case; any other phrase matches its
/// bytes. An empty alternative drops the phrase and, in English, the blank after it. A phrase that
/// is its own alternative is a guard: it is passed over ("还是" keeps "是" in it from matching).
struct Rewrite {
  std::string_view phrase;
  std::string_view alternatives;
};

/// A place that a table matches.
struct Match {
  Span place;
  const Rewrite* rewrite = nullptr;
};

/// Finds phrases of a word list in running text, the longest at each place, in one pass: English
/// phrases at the words that WordScanner finds, others at every clean cut. Built once per list;
/// finding allocates only its result.
class PhraseTable {
 public:
  /// English phrases may be given in lower case only; the strings must live as long as the table
  /// (literals). Of `pairs` each phrase stands for the other.
  PhraseTable(std::initializer_list<Rewrite> rewrites, std::initializer_list<Rewrite> pairs = {});

  std::vector<Match> find(std::string_view text) const;
  const std::vector<Rewrite>& rewrites() const { return rewrites_; }

 private:
  struct Slot {
    std::uint64_t head = 0;   ///< packed first word or first code point; 0: free
    std::uint32_t first = 0;  ///< phrases with this head: [first, last) of rewrites_, longest first
    std::uint32_t last = 0;
  };
  const Slot* slot(std::uint64_t head) const;
  void build_slots();
  const Rewrite* match_english(std::string_view text, Span word) const;
  const Rewrite* match_other(std::string_view text, std::size_t at) const;
  void find_english(std::string_view text, std::vector<Match>& matches) const;
  void find_other(std::string_view text, std::vector<Match>& matches) const;

  std::vector<Rewrite> rewrites_;
  std::vector<Slot> slots_;
  bool has_english_ = false, has_other_ = false;
};

/// One alternative of `match` chosen by `key`, with the capital of the phrase it stands for.
std::string choose_alternative(std::string_view text, const Match& match, RandomKey& key);

}  // namespace spillway::data
