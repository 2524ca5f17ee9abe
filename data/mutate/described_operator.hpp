#pragma once

#include <string_view>

#include "data/mutate/operator.hpp"

namespace spillway::data {

/// What an operator is, for lists and provenance.
struct OperatorInfo {
  std::string_view name;
  Category category;
  std::string_view meaning;
  LabelEffect effect;
};

/// The random stream of operator `name` under `key` (FNV-1a of the name): operators that get the
/// same key draw differently.
constexpr RandomKey stream_of(RandomKey key, std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return key.split(hash);
}

/// An operator with its description; a subclass writes only apply().
class DescribedOperator : public Operator {
 public:
  explicit DescribedOperator(const OperatorInfo& info) : info_(info) {}
  std::string_view name() const final { return info_.name; }
  Category category() const final { return info_.category; }
  std::string_view meaning() const final { return info_.meaning; }

 protected:
  RandomKey stream(RandomKey key) const { return stream_of(key, info_.name); }
  LabelEffect effect() const { return info_.effect; }

 private:
  OperatorInfo info_;
};

}  // namespace spillway::data
