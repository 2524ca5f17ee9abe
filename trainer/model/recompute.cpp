#include "trainer/model/recompute.hpp"

#include <algorithm>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

/// Appends half layers, to the last segment if that is of the same kind.
void append(std::vector<Segment>& segments, std::int64_t half, bool recomputed) {
  if (segments.empty() || segments.back().recomputed != recomputed) {
    segments.push_back({.first_half = half, .last_half = half, .recomputed = recomputed});
  }
  segments.back().last_half = half + 1;
}

}  // namespace

Recompute recompute_mode(const std::string& name) {
  if (name == "none") return Recompute::none;
  if (name == "selective") return Recompute::selective;
  if (name == "full") return Recompute::full;
  fail_choice("parallel.recompute", name, "none | selective | full");
}

std::string to_string(Recompute recompute) {
  switch (recompute) {
    case Recompute::none:
      return "none";
    case Recompute::selective:
      return "selective";
    case Recompute::full:
      return "full";
  }
  fail("no such recomputation");
}

std::vector<Segment> cut_into_segments(const Slice& slice, Recompute recompute,
                                       std::int64_t layers) {
  const std::int64_t first = 2 * slice.first_layer;
  const std::int64_t last = first + 2 * slice.layer_count;
  const std::int64_t until = first + 2 * recomputed_layers(slice, recompute, layers);
  std::vector<Segment> segments;
  if (slice.has_embedding) {
    segments.push_back({.embeds = true, .first_half = first, .last_half = first});
  }
  for (std::int64_t half = first; half < last; ++half) {
    const bool mlp = half % 2 == 1;
    append(segments, half, half < until && (mlp || recompute == Recompute::full));
  }
  if (slice.has_head) {
    if (segments.empty() || segments.back().recomputed)
      segments.push_back({.first_half = last, .last_half = last});
    segments.back().ends = true;
  }
  return segments;
}

std::int64_t recomputed_layers(const Slice& slice, Recompute recompute, std::int64_t layers) {
  if (recompute == Recompute::none) return 0;
  return layers == 0 ? slice.layer_count : std::min(slice.layer_count, layers);
}

double recompute_flops_per_token(const config::ModelConfig& model, const Slice& slice,
                                 Recompute recompute, std::int64_t layers) {
  const auto count = static_cast<double>(recomputed_layers(slice, recompute, layers));
  const double layer = model_cost(model, {false, 0, 1, false}).forward_flops_per_token;
  const double matrices = model.family == "llama" ? 3 : 2;
  const double mlp =
      2 * matrices * static_cast<double>(model.hidden) * static_cast<double>(model.mlp_hidden);
  return count * (recompute == Recompute::selective ? mlp : layer);
}

}  // namespace spillway::trainer
