#include "parallel/pipeline/compare.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <tuple>

#include "configs/error.hpp"
#include "parallel/pipeline/number_text.hpp"

namespace spillway::pipeline {
namespace {

/// Makespans nearer than this are the same but for rounding.
double rounded(double time) { return std::round(time * 1e9) / 1e9; }

Contender contend(const Proposal& proposal, double cap) {
  Contender one{.name = proposal.name, .recompute = proposal.recompute};
  try {
    one.prediction = proposal.predict();
    one.fits = fits(*one.prediction, cap);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::input) throw;
    const std::string message = error.what();
    one.verdict = message.substr(0, message.find('\n'));
  }
  return one;
}

/// Sorts by what the header says; equal keys keep their order.
auto key(const Contender& one) {
  const int group = !one.prediction ? 2 : one.fits ? 0 : 1;
  const bool known = one.prediction.has_value();
  return std::tuple(group, known ? rounded(one.prediction->makespan()) : 0,
                    known ? one.prediction->peak_activations() : 0,
                    known ? one.prediction->messages : 0);
}

std::string percent(double share) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %%", 100 * share);
  return text.data();
}

/// Why a contender that fits loses against the best.
std::string loses(const Prediction& one, const Prediction& best) {
  const double slower = one.makespan() / best.makespan() - 1;
  if (rounded(one.makespan()) > rounded(best.makespan())) return "slower by " + percent(slower);
  if (one.peak_activations() > best.peak_activations()) {
    return "as fast, but holds " + number_text(one.peak_activations()) + " activations, not " +
           number_text(best.peak_activations());
  }
  if (one.messages > best.messages) {
    return "as fast, but sends " + std::to_string(one.messages) + " messages, not " +
           std::to_string(best.messages);
  }
  return "no better";
}

}  // namespace

std::vector<Contender> compare(const std::vector<Proposal>& proposals, double cap) {
  std::vector<Contender> all;
  all.reserve(proposals.size());
  for (const Proposal& proposal : proposals) all.push_back(contend(proposal, cap));
  std::ranges::stable_sort(all, {}, key);
  for (Contender& one : all) {
    if (!one.prediction) continue;
    if (!one.fits) {
      one.verdict = "holds " + number_text(one.prediction->peak_activations()) +
                    " activations, the cap is " + number_text(cap);
    } else {
      one.verdict = &one == &all.front() ? "picked" : loses(*one.prediction, *all[0].prediction);
    }
  }
  return all;
}

}  // namespace spillway::pipeline
