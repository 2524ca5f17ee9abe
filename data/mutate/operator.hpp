#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "data/corpus/sample.hpp"
#include "data/mutate/random_key.hpp"

namespace spillway::data {

/// Other samples that an operator may quote (distractors, a second conversation), by a number it
/// draws. Pure: same number, same sample.
class SamplePool {
 public:
  SamplePool() = default;
  SamplePool(const SamplePool&) = delete;
  SamplePool& operator=(const SamplePool&) = delete;
  virtual ~SamplePool() = default;
  virtual std::uint64_t size() const = 0;
  virtual Sample get(std::uint64_t index) const = 0;
};

/// A mutation: a pure function of (sample, key, pool). The same bytes on any number of ranks or
/// threads.
class Operator {
 public:
  Operator() = default;
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;
  virtual ~Operator() = default;

  virtual std::string_view name() const = 0;     ///< "negate_statement"
  virtual Category category() const = 0;         ///< a mutation category
  virtual std::string_view meaning() const = 0;  ///< one line for the list of operators
  virtual bool raw() const { return false; }     ///< may leave malformed UTF-8 behind
  /// The mutant with bytes, turns, category and provenance (operator name, key, edits, label
  /// effect) filled in; nothing when the sample offers no place for this operator (a no-op is never
  /// passed off as a mutation).
  virtual std::optional<Sample> apply(const Sample& sample, RandomKey key,
                                      const SamplePool& pool) const = 0;
};

/// All operators, in a fixed order.
const std::vector<std::unique_ptr<Operator>>& operators();

/// Operators by a comma-separated list of names, categories ("grammar"), "all" (all but the raw
/// ones) and "raw"; each once, in the fixed order. Throws Error(input) naming the nearest for an
/// unknown name, and for an empty list.
std::vector<const Operator*> select_operators(std::string_view list);

}  // namespace spillway::data
