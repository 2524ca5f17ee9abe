#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/model/parameters.hpp"

namespace spillway::trainer {

/// What a layer keeps of its forward for its backward (parallel.recompute). Repeating a part gives
/// the bits that it had, so gradients do not change.
enum class Recompute : std::uint8_t {
  none,       ///< everything
  selective,  ///< all of the attention half, only the input of the MLP half (Korthikanti et al.
              ///< 2022, arXiv:2205.05198, section 5, with flash attention, whose scores are never
              ///< kept): a third of a GPT layer's forward again for half of its memory
  full,       ///< only the input of the first of a run of such layers
};

/// Throws Error(input) proposing the nearest name.
Recompute recompute_mode(const std::string& name);
std::string to_string(Recompute recompute);

/// A piece of a slice that runs with one autograd graph: halves of layers [first, last), an
/// attention half being 2 i, an MLP half 2 i + 1.
struct Segment {
  bool embeds = false;
  std::int64_t first_half = 0, last_half = 0;
  bool ends = false;        ///< in final norm and head
  bool recomputed = false;  ///< keeps its input only
  bool operator==(const Segment&) const = default;
};

/// The segments of a slice in their order; the first `layers` of its layers (0: all) are
/// recomputed. Embedding and head always keep what they need. One segment if nothing is recomputed.
std::vector<Segment> cut_into_segments(const Slice& slice, Recompute recompute,
                                       std::int64_t layers);

/// How many layers of the slice are recomputed.
std::int64_t recomputed_layers(const Slice& slice, Recompute recompute, std::int64_t layers);
/// FLOPs per token of a recompute, counted as ModelCost does.
double recompute_flops_per_token(const config::ModelConfig& model, const Slice& slice,
                                 Recompute recompute, std::int64_t layers);

}  // namespace spillway::trainer
