#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/schema.hpp"

/// What a model consists of, without allocating any of it: names, shapes, sizes, arithmetic.
///
/// A configuration is *resolved* when none of its zeros stands for "derive it"; every function here
/// but resolve() wants it so. The embedding table (and an untied head) has padded_vocabulary()
/// rows: a multiple of 64 that GEMMs like. The rows beyond `vocabulary` are zero, take no part in
/// the loss, and stay zero.
namespace spillway::trainer {

/// A contiguous part of the model: what one stage (or one chunk of it) computes.
struct Slice {
  bool has_embedding = true;
  std::int64_t first_layer = 0;
  std::int64_t layer_count = 0;
  bool has_head = true;  ///< final norm, output head and loss

  bool operator==(const Slice&) const = default;
};

/// How a parameter starts.
enum class Start : std::uint8_t { zeros, ones, normal };

struct ParameterSpec {
  std::string name;  ///< "layers.3.attention.query_key_value.weight": the same in every layout
  std::vector<std::int64_t> shape;
  std::int64_t index = 0;  ///< position in the whole model's order, for sums in one fixed order
  bool decay = false;      ///< matrices decay, norms and biases do not
  /// The head's copy of a tied embedding on a stage without the embedding. Same name and index as
  /// the original; its gradient is the same after the two were summed, so whoever sums over
  /// parameters leaves it out.
  bool tied_copy = false;
  Start start = Start::zeros;
  double deviation = 0;  ///< of Start::normal

  std::int64_t numel() const;
};

/// Name of the embedding table, which a tied head shares.
inline constexpr const char* kTokenEmbedding = "embedding.token.weight";

/// Fills kv_heads, mlp_hidden and vocabulary where they are 0. Throws Error(input) if a vocabulary
/// given by hand is smaller than the tokenizer's.
config::ModelConfig resolve(config::ModelConfig model, std::int64_t tokenizer_vocabulary);

/// Rows of the embedding table: vocabulary rounded up to a multiple of 64.
std::int64_t padded_vocabulary(const config::ModelConfig& model);

Slice whole_model(const config::ModelConfig& model);

/// Parameters of the whole model in its order: embedding, layers, final norm, head.
std::vector<ParameterSpec> parameter_specs(const config::ModelConfig& model);
/// Parameters of a slice, in the whole model's order, except that a tied copy comes last.
std::vector<ParameterSpec> parameter_specs(const config::ModelConfig& model, const Slice& slice);

/// Size and arithmetic of a slice. FLOPs are those of the matrix products, a multiply-add counted
/// as two, per token, forward only: 2 N for the N weights of the GEMMs (lookups cost nothing; the
/// head counts, tied or not) and 4 T D per layer for attention, not halved for the causal mask.
/// Forward and backward together are three times that: the 6 N + 12 L D T of Chowdhery et al. 2022
/// (PaLM), arXiv:2204.02311, appendix B.
struct ModelCost {
  std::int64_t parameters = 0;  ///< unpadded; a tied head counts once, with the embedding
  double forward_flops_per_token = 0;

  double training_flops_per_token() const { return 3 * forward_flops_per_token; }
};

ModelCost model_cost(const config::ModelConfig& model);
/// Of a slice; a head without the embedding counts its copy of the tied matrix: it holds one.
ModelCost model_cost(const config::ModelConfig& model, const Slice& slice);

}  // namespace spillway::trainer
