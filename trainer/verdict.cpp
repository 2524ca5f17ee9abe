#include "trainer/verdict.hpp"

#include <cmath>
#include <utility>

#include "trainer/optimizer/gradient_norm.hpp"

namespace spillway::trainer {
namespace {

std::string who(std::size_t rank, std::size_t stages) {
  return "rank " + std::to_string(rank) + " (stage " + std::to_string(rank % stages) +
         ", replica " + std::to_string(rank / stages) + ")";
}

/// The first rank that reports a non-finite value of its own: a loss before any gradient, since
/// gradients only follow it.
std::string find_non_finite(const std::vector<RankReport>& reports, const ParameterMap& map) {
  const std::size_t stages = map.of_rank.size();
  for (std::size_t rank = 0; rank < reports.size(); ++rank) {
    if (!reports[rank].loss_finite) return who(rank, stages) + ": loss";
  }
  for (std::size_t rank = 0; rank < reports.size(); ++rank) {
    const std::int64_t bad = reports[rank].bad_parameter;
    if (bad >= 0)
      return who(rank, stages) + ": gradient of " + map.names[static_cast<std::size_t>(bad)];
  }
  return "";
}

/// The norms of the first replica: after the exchange all replicas have the same.
double gradient_norm(const std::vector<RankReport>& reports, const ParameterMap& map) {
  std::vector<SquaredNorm> norms;
  norms.reserve(map.names.size());
  for (std::size_t rank = 0; rank < map.of_rank.size(); ++rank) {
    for (std::size_t i = 0; i < map.of_rank[rank].size(); ++i) {
      norms.push_back({map.of_rank[rank][i], reports[rank].squared_norms[i]});
    }
  }
  return global_norm(std::move(norms));
}

}  // namespace

double sum_losses(const std::vector<RankReport>& reports, std::size_t stages) {
  // Only the rank with the last stage has losses; the others report zeros. Ranks of a replica stand
  // together, so rank order is the order of the global micro-batch index.
  double sum = 0;
  for (std::size_t first = 0; first < reports.size(); first += stages) {
    for (std::size_t j = 0; j < reports[first].loss_sums.size(); ++j) {
      for (std::size_t rank = first; rank < first + stages; ++rank)
        sum += reports[rank].loss_sums[j];
    }
  }
  return sum;
}

Verdict judge(const std::vector<RankReport>& reports, const ParameterMap& map,
              std::int64_t target_tokens) {
  Verdict verdict;
  for (const RankReport& report : reports) verdict.stop_requested |= report.stop_requested;
  verdict.loss = sum_losses(reports, map.of_rank.size()) / static_cast<double>(target_tokens);
  verdict.gradient_norm = gradient_norm(reports, map);
  verdict.non_finite = find_non_finite(reports, map);
  if (verdict.non_finite.empty() && !std::isfinite(verdict.gradient_norm)) {
    verdict.non_finite = "gradient norm after the exchange";
  }
  return verdict;
}

}  // namespace spillway::trainer
