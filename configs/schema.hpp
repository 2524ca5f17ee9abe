#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "configs/compression_config.hpp"
#include "configs/field.hpp"

/// Every section of a run. A section is a plain struct with defaults; its fields() is the only list
/// of its settings and feeds the TOML reader, the command line, --help, the resolved dump and
/// configs/README.md.
namespace spillway::config {

struct ModelConfig {
  std::string family = "gpt2";
  std::int64_t layers = 6;
  std::int64_t hidden = 384;
  std::int64_t heads = 6;
  std::int64_t kv_heads = 0;
  std::int64_t mlp_hidden = 0;
  std::int64_t sequence_length = 256;
  std::int64_t vocabulary = 0;
  bool tied_embeddings = true;
  double norm_epsilon = 1e-5;
  double rope_theta = 10000.0;

  static constexpr auto fields() {
    using S = ModelConfig;
    return std::tuple{
        Field{"family", &S::family,
              "architecture: gpt2 (LayerNorm, GELU, learned positions) or llama (RMSNorm, rotary, "
              "SwiGLU)",
              "", one_of("gpt2 | llama")},
        Field{"layers", &S::layers, "transformer blocks", "", at_least(1)},
        Field{"hidden", &S::hidden, "width of the residual stream", "", at_least(1)},
        Field{"heads", &S::heads, "attention heads", "", at_least(1)},
        Field{"kv_heads", &S::kv_heads, "key and value heads (llama); 0: as many as heads", "",
              at_least(0)},
        Field{"mlp_hidden", &S::mlp_hidden,
              "inner width of the MLP; 0: 4 hidden (gpt2), 8/3 hidden rounded up to 64 (llama)", "",
              at_least(0)},
        Field{"sequence_length", &S::sequence_length, "context", "tokens", at_least(1)},
        Field{"vocabulary", &S::vocabulary, "rows of the embedding; 0: the tokenizer's", "tokens",
              at_least(0)},
        Field{"tied_embeddings", &S::tied_embeddings,
              "one matrix for token embedding and output head"},
        Field{"norm_epsilon", &S::norm_epsilon, "added to the variance in every norm", "",
              at_least(0)},
        Field{"rope_theta", &S::rope_theta, "base of the rotary frequencies (llama)", "",
              at_least(1)},
    };
  }
};

struct ParallelConfig {
  std::int64_t stages = 1;
  std::int64_t chunks = 1;
  std::vector<std::int64_t> layers_per_stage;
  std::string schedule = "1f1b";
  double memory_cap = 0;
  std::int64_t microbatches = 4;
  std::int64_t microbatch_size = 4;
  std::string recompute = "none";
  std::int64_t recompute_layers = 0;
  std::string edge_dtype = "auto";
  bool reproducible = false;
  std::string backend = "auto";
  double deadline_seconds = 600;

  static constexpr auto fields() {
    using S = ParallelConfig;
    return std::tuple{
        Field{"stages", &S::stages, "pipeline stages; replicas = world / stages", "", at_least(1)},
        Field{
            "chunks", &S::chunks,
            "model chunks (virtual stages) per rank; schedules on a V have two without being asked",
            "", at_least(1)},
        Field{"layers_per_stage", &S::layers_per_stage,
              "layers of each stage, first to last; empty: balanced by FLOPs, then parameters"},
        Field{
            "schedule", &S::schedule,
            "pipeline schedule: gpipe | 1f1b | interleaved-1f1b | looped-bfs | zb-h1 | zb-h2 | "
            "interleaved-zb | zbv | v-half | v-min | dualpipev | auto (the best found) | csv:FILE"},
        Field{
            "memory_cap", &S::memory_cap,
            "the most activations that a rank may hold, of one micro-batch on its whole share (of "
            "what is recomputed, only what is kept counts before); schedule = auto searches below "
            "it; 0: no limit",
            "micro-batches", at_least(0)},
        Field{"microbatches", &S::microbatches, "micro-batches per replica and step", "",
              at_least(1)},
        Field{"microbatch_size", &S::microbatch_size, "size of a micro-batch", "sequences",
              at_least(1)},
        Field{"recompute", &S::recompute,
              "activations repeated before their backward, not kept: selective: of the MLPs, full: "
              "of whole layers, auto: whichever is fastest under memory_cap",
              "", one_of("none | selective | full | auto")},
        Field{"recompute_layers", &S::recompute_layers,
              "so many first layers of each stage are recomputed; 0: all", "", at_least(0)},
        Field{"edge_dtype", &S::edge_dtype,
              "number format of activations and their gradients between stages; auto: that of "
              "precision.mode, which rounds nothing",
              "", one_of("auto | bf16 | fp32")},
        Field{"reproducible", &S::reproducible,
              "sum gradients in one fixed tree: the same bits for any number of replicas"},
        Field{"backend", &S::backend,
              "what carries tensors; auto: nccl when every rank has a GPU, else mpi", "",
              one_of("auto | mpi | nccl")},
        Field{"deadline_seconds", &S::deadline_seconds,
              "a rank that stands at one action, message or vote for longer ends the run; 0: none",
              "seconds", at_least(0)},
    };
  }
};

struct PrecisionConfig {
  std::string mode = "fp32";
  std::int64_t max_skips = 10;

  static constexpr auto fields() {
    using S = PrecisionConfig;
    return std::tuple{
        Field{"mode", &S::mode,
              "fp32; bf16-amp (bf16 GEMMs, as autocast); bf16-qat (bf16 weights and activations, "
              "fp32 master, "
              "straight-through)",
              "", one_of("fp32 | bf16-amp | bf16-qat")},
        Field{"max_skips", &S::max_skips, "non-finite steps in a row before the run stops", "steps",
              at_least(1)},
    };
  }
};

struct DataConfig {
  std::string corpus = "";
  double validation = 0.01;
  std::int64_t prefetch = 4;

  static constexpr auto fields() {
    using S = DataConfig;
    return std::tuple{
        Field{"corpus", &S::corpus, "folder made by `spillway corpus build` or `mutate`"},
        Field{"validation", &S::validation, "share of base samples held out for evaluation", "",
              between(0, 0.5)},
        Field{"prefetch", &S::prefetch, "global batches prepared ahead", "steps", at_least(1)},
    };
  }
};

struct MutationConfig {
  double rate = 0.0;
  std::string operators = "all";

  static constexpr auto fields() {
    using S = MutationConfig;
    return std::tuple{
        Field{"rate", &S::rate, "share of samples mutated on the fly", "", between(0, 1)},
        Field{"operators", &S::operators, "all, or names and categories separated by commas"},
    };
  }
};

struct OptimizerConfig {
  std::string name = "adamw";
  double learning_rate = 1e-3;
  double final_learning_rate = 0.1;
  std::int64_t warmup_steps = 20;
  std::int64_t decay_steps = 0;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;
  double clip_norm = 1.0;

  static constexpr auto fields() {
    using S = OptimizerConfig;
    return std::tuple{
        Field{"name", &S::name, "optimizer", "", one_of("adamw")},
        Field{"learning_rate", &S::learning_rate, "peak learning rate", "", at_least(0)},
        Field{"final_learning_rate", &S::final_learning_rate,
              "share of the peak where the cosine ends", "", between(0, 1)},
        Field{"warmup_steps", &S::warmup_steps, "linear warm-up", "steps", at_least(0)},
        Field{"decay_steps", &S::decay_steps, "step where the cosine ends; 0: run.steps", "steps",
              at_least(0)},
        Field{"beta1", &S::beta1, "decay of the first moment", "", between(0, 1)},
        Field{"beta2", &S::beta2, "decay of the second moment", "", between(0, 1)},
        Field{"epsilon", &S::epsilon, "added to the root of the second moment", "", at_least(0)},
        Field{"weight_decay", &S::weight_decay,
              "decoupled decay of matrices (not of norms and biases)", "", at_least(0)},
        Field{"clip_norm", &S::clip_norm, "limit of the global gradient norm; 0: off", "",
              at_least(0)},
    };
  }
};

struct RunConfig {
  std::string dir = "";
  std::int64_t steps = 200;
  std::int64_t seed = 1;
  std::int64_t checkpoint_every = 50;
  std::int64_t keep_checkpoints = 3;
  bool resume = true;
  std::int64_t evaluate_every = 50;
  std::int64_t evaluate_steps = 4;
  std::int64_t trace_every = 50;
  std::int64_t log_every = 1;
  std::string device = "auto";
  std::int64_t threads = 1;
  std::string peak_flops = "measure";

  static constexpr auto fields() {
    using S = RunConfig;
    return std::tuple{
        Field{"dir", &S::dir, "folder of everything the run writes"},
        Field{"steps", &S::steps, "optimizer steps in all", "steps", at_least(0)},
        Field{"seed", &S::seed, "seed of weights, data order and mutation", "", at_least(0)},
        Field{"checkpoint_every", &S::checkpoint_every,
              "steps between checkpoints; 0: only at the end", "steps", at_least(0)},
        Field{"keep_checkpoints", &S::keep_checkpoints, "newest checkpoints kept; 0: all", "",
              at_least(0)},
        Field{"resume", &S::resume, "continue from the newest valid checkpoint of run.dir"},
        Field{"evaluate_every", &S::evaluate_every, "steps between evaluations; 0: never", "steps",
              at_least(0)},
        Field{"evaluate_steps", &S::evaluate_steps, "global batches of one evaluation", "steps",
              at_least(1)},
        Field{"trace_every", &S::trace_every,
              "steps between pipeline timelines in run.dir/traces; 0: none", "steps", at_least(0)},
        Field{"log_every", &S::log_every, "steps between console lines", "steps", at_least(1)},
        Field{"device", &S::device,
              "where tensors live; auto: the GPU of the local rank when there is one", "",
              one_of("auto | cpu | cuda")},
        Field{"threads", &S::threads, "CPU threads of a rank", "", at_least(1)},
        Field{"peak_flops", &S::peak_flops,
              "peak of one rank's device for MFU: a number, \"measure\" (a GEMM at start), or a "
              "GPU of "
              "the table (\"H100\")",
              "FLOP/s"},
    };
  }
};

struct StressConfig {
  std::int64_t warmup_steps = 5;
  std::int64_t steps = 30;

  static constexpr auto fields() {
    using S = StressConfig;
    return std::tuple{
        Field{"warmup_steps", &S::warmup_steps, "steps before the measured window", "steps",
              at_least(0)},
        Field{"steps", &S::steps, "steps of the measured window", "steps", at_least(2)},
    };
  }
};

struct Config {
  ModelConfig model;
  ParallelConfig parallel;
  CompressionConfig compression;
  PrecisionConfig precision;
  DataConfig data;
  MutationConfig mutation;
  OptimizerConfig optimizer;
  RunConfig run;
  StressConfig stress;
};

/// Calls visit(section name, meaning of the section, section struct) for each section in file
/// order. `C` is Config or const Config.
template <class C, class Visitor>
void for_each_section(C& config, Visitor&& visit) {
  visit("model", "the network", config.model);
  visit("parallel", "how ranks share the work; replicas = world / stages", config.parallel);
  visit("compression", "gradients on the wire", config.compression);
  visit("precision", "number formats and the guard against non-finite steps", config.precision);
  visit("data", "corpus and loader", config.data);
  visit("data.mutation", "edge cases made on the fly", config.mutation);
  visit("optimizer", "weight update", config.optimizer);
  visit("run", "the run and its folder", config.run);
  visit("stress", "`spillway stress`", config.stress);
}

/// Checks what no single setting can: heads divide hidden, enough layers for the stages, ... Throws
/// Error(input) naming all numbers.
void validate(const Config& config);

}  // namespace spillway::config
