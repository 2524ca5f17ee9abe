#include "data/mutate/mutator.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "configs/error.hpp"
#include "data/mutate/described_operator.hpp"

namespace spillway::data {
namespace {

using Shares = std::array<double, kCategories>;
using Weights = std::array<std::uint64_t, kCategories>;
using Operators = std::array<std::vector<const Operator*>, kCategories>;

constexpr auto kLong = static_cast<std::size_t>(Category::long_context);
constexpr std::uint64_t kTried = 2048;  // samples on which it is tried what applies
constexpr int kRounds = 200;            // of fitting
constexpr double kMost = 64;            // times the least weight
constexpr double kUnit = 1 << 14;       // weights are integers, so that every machine draws alike

/// Samples by the set of categories (bit i: category i) of which some operator applies.
std::map<std::uint32_t, std::uint64_t> count_applicable(const Operators& operators,
                                                        const SamplePool& pool) {
  std::map<std::uint32_t, std::uint64_t> count;
  const std::uint64_t tried = std::min(pool.size(), kTried);
  for (std::uint64_t i = 0; i < tried; ++i) {
    const Sample sample = pool.get(i * pool.size() / tried);
    std::uint32_t applicable = 0;
    for (std::size_t category = 0; category < kCategories; ++category) {
      const bool some = std::ranges::any_of(operators[category], [&](const Operator* op) {
        return op->apply(sample, RandomKey(i), pool).has_value();
      });
      applicable |= some ? 1U << category : 0U;
    }
    ++count[applicable];
  }
  return count;
}

Shares wanted_shares(const Operators& operators, double long_context_share) {
  const auto selected =
      std::ranges::count_if(operators, [](const auto& of_one) { return !of_one.empty(); });
  const bool has_long = !operators[kLong].empty();
  const bool only_long = has_long && selected == 1;
  const double long_part = only_long ? 1 : has_long ? long_context_share : 0;
  Shares wanted{};
  for (std::size_t i = 0; i < kCategories; ++i) {
    if (!operators[i].empty())
      wanted[i] = (1 - long_part) / static_cast<double>(selected - (has_long ? 1 : 0));
  }
  if (has_long) wanted[kLong] = long_part;
  return wanted;
}

/// The shares that come out when each sample draws by weight among what applies to it.
Shares shares_of(const Shares& weights, const std::map<std::uint32_t, std::uint64_t>& applicable) {
  Shares shares{};
  double mutated = 0;
  for (const auto& [categories, samples] : applicable) {
    double total = 0;
    for (std::size_t i = 0; i < kCategories; ++i) total += categories >> i & 1 ? weights[i] : 0;
    if (total == 0) continue;
    mutated += static_cast<double>(samples);
    for (std::size_t i = 0; i < kCategories; ++i) {
      if (categories >> i & 1) shares[i] += static_cast<double>(samples) * weights[i] / total;
    }
  }
  for (double& share : shares) share /= std::max(mutated, 1.0);
  return shares;
}

/// Iterative proportional fitting. A category that cannot reach its share goes to the bound and the
/// others share what it leaves, but for long contexts, which keep to theirs.
Weights fit(const Shares& wanted, const std::map<std::uint32_t, std::uint64_t>& applicable) {
  Shares weights = wanted;
  for (int round = 0; round < kRounds && !applicable.empty(); ++round) {
    const Shares shares = shares_of(weights, applicable);
    double least = kMost;
    for (std::size_t i = 0; i < kCategories; ++i) {
      if (wanted[i] > 0 && shares[i] > 0) weights[i] *= wanted[i] / shares[i];
      if (wanted[i] > 0 && i != kLong) least = std::min(least, weights[i]);
    }
    for (std::size_t i = 0; i < kCategories; ++i) {
      if (i != kLong) weights[i] = std::min(weights[i] / least, kMost);
    }
  }
  Weights result{};
  for (std::size_t i = 0; i < kCategories; ++i) {
    result[i] = static_cast<std::uint64_t>(std::llround(std::min(weights[i], kMost) * kUnit));
  }
  return result;
}

/// Draws an index by weight; the weights must not all be zero.
std::size_t draw_by_weight(const Weights& weights, RandomKey& key) {
  std::uint64_t left = key.below(std::accumulate(weights.begin(), weights.end(), std::uint64_t{0}));
  std::size_t i = 0;
  while (left >= weights[i]) left -= weights[i++];
  return i;
}

}  // namespace

Mutator::Mutator(const std::vector<const Operator*>& operators, const SamplePool& quotes,
                 double long_context_share)
    : quotes_(quotes) {
  if (!(long_context_share >= 0.0 && long_context_share <= 1.0)) {
    fail_input("long context share = " + std::to_string(long_context_share) +
               " is out of range; valid: 0 to 1");
  }
  for (const Operator* op : operators)
    operators_[static_cast<std::size_t>(op->category())].push_back(op);
  weights_ =
      fit(wanted_shares(operators_, long_context_share), count_applicable(operators_, quotes));
}

std::optional<Sample> Mutator::mutate(const Sample& sample, RandomKey key) const {
  RandomKey draws = stream_of(key, "choice of an operator");
  Weights left = weights_;
  while (std::ranges::any_of(left, [](std::uint64_t weight) { return weight > 0; })) {
    const std::size_t category = draw_by_weight(left, draws);
    std::vector<const Operator*> untried = operators_[category];
    while (!untried.empty()) {
      const std::size_t chosen = draws.below(untried.size());
      if (auto mutant = untried[chosen]->apply(sample, key, quotes_)) return mutant;
      untried[chosen] = untried.back();
      untried.pop_back();
    }
    left[category] = 0;
  }
  return std::nullopt;
}

}  // namespace spillway::data
