#include "compression/low_rank/adaptive_rank.hpp"

#include <ATen/ops/flip.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>

namespace spillway::compression {
namespace {

/// Energy of direction `k`, known or guessed.
double energy(const Spectrum& spectrum, std::int64_t k) {
  const auto known = static_cast<std::int64_t>(spectrum.singular_values.size());
  const std::int64_t seen = std::min(k, known - 1);
  const double value = spectrum.singular_values[static_cast<std::size_t>(seen)];
  return std::ldexp(value * value, static_cast<int>(seen - k));
}

std::pair<at::Tensor, at::Tensor> eigen(const at::Tensor& q_RN) {
  const at::Tensor wide = q_RN.to(at::kCPU, at::kDouble);
  auto [values, vectors] = at::linalg_eigh(at::mm(wide, wide.t()));
  return {values.flip(0), vectors.flip(1)};
}

}  // namespace

std::vector<double> singular_values(const at::Tensor& q_RN) {
  const at::Tensor squares = eigen(q_RN).first.contiguous();
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(squares.numel()));
  for (std::int64_t i = 0; i < squares.numel(); ++i)
    values.push_back(std::sqrt(std::max(squares.const_data_ptr<double>()[i], 0.0)));
  return values;
}

at::Tensor strongest_first(const at::Tensor& q_RN) {
  const at::Tensor vectors = eigen(q_RN).second;
  return at::mm(vectors.t(), q_RN.to(at::kCPU, at::kDouble)).to(q_RN.options()).contiguous();
}

std::vector<std::int64_t> ranks_within_elements(const std::vector<Spectrum>& spectra,
                                                double elements) {
  const auto price = [&](std::size_t i) {
    return static_cast<double>(spectra[i].shape.rows + spectra[i].shape.columns);
  };
  std::vector<std::int64_t> ranks(spectra.size(), 1);
  using Offer = std::pair<double, std::size_t>;  // energy for each element, matrix
  std::priority_queue<Offer> offers;
  const auto offer = [&](std::size_t i) {
    if (ranks[i] < spectra[i].shape.approximation_rank)
      offers.emplace(energy(spectra[i], ranks[i]) / price(i), i);
  };
  for (std::size_t i = 0; i < spectra.size(); ++i) {
    elements -= price(i);
    offer(i);
  }
  while (!offers.empty()) {
    const std::size_t i = offers.top().second;
    offers.pop();
    if (price(i) > elements) continue;
    elements -= price(i);
    ++ranks[i];
    offer(i);
  }
  return ranks;
}

std::vector<std::int64_t> ranks_within_error(const std::vector<Spectrum>& spectra, double error) {
  std::vector<std::int64_t> ranks;
  for (const Spectrum& spectrum : spectra) {
    const std::int64_t most = spectrum.shape.approximation_rank;
    const std::int64_t all = std::min(spectrum.shape.rows, spectrum.shape.columns);
    double left = 0;
    for (std::int64_t k = 0; k < all; ++k) left += energy(spectrum, k);
    const double allowed = error * error * left;
    std::int64_t rank = 0;
    while (rank < most && (rank == 0 || left > allowed)) left -= energy(spectrum, rank++);
    ranks.push_back(rank);
  }
  return ranks;
}

}  // namespace spillway::compression
