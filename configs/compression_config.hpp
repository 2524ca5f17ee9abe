#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "configs/field.hpp"

/// Section [compression] of schema.hpp.
namespace spillway::config {

/// How the gradient of one parameter travels. [compression] gives it for all, a rule for some.
struct CompressionMethod {
  std::string method = "none";
  std::int64_t approximation_rank = 4;
  std::int64_t start_step = 10;
  double min_compression_rate = 2.0;
  std::string wire = "fp32";
  std::int64_t power_iterations = 1;
  std::int64_t refresh_every = 0;
  std::string matrix = "tensor";
  double density = 0.01;
  std::string quantization = "int8";

  static constexpr auto fields() {
    using S = CompressionMethod;
    return std::tuple{
        Field{"method", &S::method,
              "how gradients travel between replicas: whole (none, bf16, fp16), as low-rank "
              "factors (powersgd, acp), a few elements of them (topk, randomk), or in few bits "
              "(qsgd, sign)",
              "", one_of("none | bf16 | fp16 | powersgd | acp | topk | randomk | qsgd | sign")},
        Field{"approximation_rank", &S::approximation_rank,
              "powersgd, acp: rank r of the approximation", "", at_least(1)},
        Field{"start_step", &S::start_step, "gradients travel whole, as wire, before this step",
              "steps", at_least(0)},
        Field{"min_compression_rate", &S::min_compression_rate,
              "powersgd, acp: a tensor that saves less than this factor is sent whole", "",
              at_least(0)},
        Field{"wire", &S::wire,
              "number format on the wire of factors, of the elements of topk and randomk, and of "
              "tensors sent whole beside them",
              "", one_of("fp32 | bf16")},
        Field{"power_iterations", &S::power_iterations,
              "powersgd: products with the gradient, from both sides, a step", "", at_least(1)},
        Field{
            "refresh_every", &S::refresh_every,
            "powersgd: every so many steps the factor starts anew, with one more power iteration; "
            "0: never",
            "steps", at_least(0)},
        Field{"matrix", &S::matrix,
              "powersgd: what is approximated, each tensor or a whole bucket as one square matrix",
              "", one_of("tensor | bucket")},
        Field{"density", &S::density, "topk, randomk: part of a tensor's elements that is sent", "",
              between(1e-6, 1)},
        Field{"quantization", &S::quantization, "qsgd: number format of an element", "",
              one_of("int8 | int4")},
    };
  }
};

/// What is different for the parameters whose name has a match of a regular expression
/// (ECMAScript): settings of CompressionMethod, each a name and a value as in TOML.
struct CompressionRule {
  std::string match;
  std::vector<std::pair<std::string, std::string>> settings;
};

struct CompressionConfig : CompressionMethod {
  std::string error_feedback = "local";
  bool warm_start = true;
  double bucket_mib = 25.0;
  std::string adaptive_rank = "off";
  std::int64_t adapt_every = 10;
  double byte_budget = 1.0;
  double error_budget = 0.5;
  std::vector<CompressionRule> rules;

  static constexpr auto fields() {
    using S = CompressionConfig;
    return std::tuple_cat(
        CompressionMethod::fields(),
        std::tuple{
            Field{"error_feedback", &S::error_feedback,
                  "what a replica keeps of its unsent part: against its own factors, the averaged "
                  "ones, or nothing",
                  "", one_of("local | global | off")},
            Field{"warm_start", &S::warm_start, "powersgd, acp: start from the last step's factor"},
            Field{"bucket_mib", &S::bucket_mib, "gradients exchanged together", "MiB",
                  at_least(0.001)},
            Field{
                "adaptive_rank", &S::adaptive_rank,
                "powersgd: ranks up to approximation_rank, chosen for each tensor by its singular "
                "values, so that all of them keep to byte_budget or each to error_budget",
                "", one_of("off | bytes | error")},
            Field{"adapt_every", &S::adapt_every, "adaptive_rank: steps between choices", "steps",
                  at_least(1)},
            Field{
                "byte_budget", &S::byte_budget,
                "adaptive_rank = bytes: the most that a replica gives to the wire in a step, over "
                "all stages",
                "MiB", at_least(0)},
            Field{"error_budget", &S::error_budget,
                  "adaptive_rank = error: part of a tensor's norm that the approximation may miss",
                  "", between(0, 1)},
            Field{"rules", &S::rules,
                  "other methods for some parameters: the first rule whose regular expression "
                  "`match` is found in a parameter's name holds; [[compression.rules]] in a file"},
        });
  }
};

}  // namespace spillway::config
