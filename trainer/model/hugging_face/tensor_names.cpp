#include "trainer/model/hugging_face/tensor_names.hpp"

#include "trainer/model/parameters.hpp"

namespace spillway::trainer {
namespace {

using config::ModelConfig;
using List = std::vector<HuggingFaceTensor>;

/// A linear layer or norm of gpt2: weight and bias.
void add_pair(List& list, const std::string& theirs, const std::string& ours, std::int64_t rows,
              bool transposed) {
  list.push_back({theirs + ".weight", ours + ".weight", 0, rows, transposed});
  list.push_back({theirs + ".bias", ours + ".bias", 0, rows, false});
}

void add_gpt2_layer(List& list, const ModelConfig& model, std::int64_t layer) {
  const std::string theirs = "transformer.h." + std::to_string(layer) + ".";
  const std::string ours = "layers." + std::to_string(layer) + ".";
  const std::int64_t hidden = model.hidden;
  add_pair(list, theirs + "ln_1", ours + "attention_norm", hidden, false);
  add_pair(list, theirs + "attn.c_attn", ours + "attention.query_key_value", 3 * hidden, true);
  add_pair(list, theirs + "attn.c_proj", ours + "attention.output", hidden, true);
  add_pair(list, theirs + "ln_2", ours + "mlp_norm", hidden, false);
  add_pair(list, theirs + "mlp.c_fc", ours + "mlp.up", model.mlp_hidden, true);
  add_pair(list, theirs + "mlp.c_proj", ours + "mlp.down", hidden, true);
}

void add_llama_layer(List& list, const ModelConfig& model, std::int64_t layer) {
  const std::string theirs = "model.layers." + std::to_string(layer) + ".";
  const std::string ours = "layers." + std::to_string(layer) + ".";
  const std::string attention = ours + "attention.query_key_value.weight";
  const std::string gate_up = ours + "mlp.gate_up.weight";
  const std::int64_t hidden = model.hidden;
  const std::int64_t kv = model.kv_heads * (hidden / model.heads);
  const std::int64_t inner = model.mlp_hidden;
  list.push_back(
      {theirs + "input_layernorm.weight", ours + "attention_norm.weight", 0, hidden, false});
  list.push_back({theirs + "self_attn.q_proj.weight", attention, 0, hidden, false});
  list.push_back({theirs + "self_attn.k_proj.weight", attention, hidden, kv, false});
  list.push_back({theirs + "self_attn.v_proj.weight", attention, hidden + kv, kv, false});
  list.push_back(
      {theirs + "self_attn.o_proj.weight", ours + "attention.output.weight", 0, hidden, false});
  list.push_back(
      {theirs + "post_attention_layernorm.weight", ours + "mlp_norm.weight", 0, hidden, false});
  list.push_back({theirs + "mlp.gate_proj.weight", gate_up, 0, inner, false});
  list.push_back({theirs + "mlp.up_proj.weight", gate_up, inner, inner, false});
  list.push_back({theirs + "mlp.down_proj.weight", ours + "mlp.down.weight", 0, hidden, false});
}

}  // namespace

std::vector<HuggingFaceTensor> hugging_face_tensors(const ModelConfig& model) {
  List list;
  const bool gpt2 = model.family == "gpt2";
  const std::string table = gpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight";
  list.push_back({table, kTokenEmbedding, 0, model.vocabulary, false});
  if (gpt2) {
    list.push_back(
        {"transformer.wpe.weight", "embedding.position.weight", 0, model.sequence_length, false});
  }
  for (std::int64_t layer = 0; layer < model.layers; ++layer) {
    gpt2 ? add_gpt2_layer(list, model, layer) : add_llama_layer(list, model, layer);
  }
  if (gpt2) {
    add_pair(list, "transformer.ln_f", "final_norm", model.hidden, false);
  } else {
    list.push_back({"model.norm.weight", "final_norm.weight", 0, model.hidden, false});
  }
  if (!model.tied_embeddings) {
    list.push_back({"lm_head.weight", "head.weight", 0, model.vocabulary, false});
  }
  return list;
}

}  // namespace spillway::trainer
