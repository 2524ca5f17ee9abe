#include "trainer/model/hugging_face/model_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "configs/error.hpp"
#include "data/tokens/byte_tokenizer.hpp"
#include "trainer/model/parameters.hpp"

namespace spillway::trainer {
namespace {

using config::ModelConfig;
using nlohmann::json;

/// The value of a key; absent and null give the default that Hugging Face documents for it.
template <class Value>
Value get(const json& fields, const char* key, Value otherwise) {
  const auto found = fields.find(key);
  return found == fields.end() || found->is_null() ? std::move(otherwise) : found->get<Value>();
}

/// Complains unless `key` is absent, null or `expected`.
void require(const json& fields, const char* key, const json& expected) {
  const auto found = fields.find(key);
  if (found == fields.end() || found->is_null() || *found == expected) return;
  fail_input(std::string("config.json: ") + key + " = " + found->dump() + "; supported is " +
             expected.dump());
}

json gpt2_json(const ModelConfig& model) {
  return {{"architectures", {"GPT2LMHeadModel"}},
          {"model_type", "gpt2"},
          {"n_embd", model.hidden},
          {"n_layer", model.layers},
          {"n_head", model.heads},
          {"n_inner", model.mlp_hidden},
          {"n_positions", model.sequence_length},
          {"layer_norm_epsilon", model.norm_epsilon},
          {"activation_function", "gelu_new"},
          {"resid_pdrop", 0.0},
          {"embd_pdrop", 0.0},
          {"attn_pdrop", 0.0}};
}

json llama_json(const ModelConfig& model) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"hidden_size", model.hidden},
          {"intermediate_size", model.mlp_hidden},
          {"num_hidden_layers", model.layers},
          {"num_attention_heads", model.heads},
          {"num_key_value_heads", model.kv_heads},
          {"head_dim", model.hidden / model.heads},
          {"max_position_embeddings", model.sequence_length},
          {"rms_norm_eps", model.norm_epsilon},
          {"rope_theta", model.rope_theta},
          {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", model.rope_theta}}},
          {"hidden_act", "silu"},
          {"attention_bias", false},
          {"mlp_bias", false},
          {"attention_dropout", 0.0}};
}

ModelConfig from_gpt2(const json& fields) {
  const std::string activation = get<std::string>(fields, "activation_function", "gelu_new");
  if (activation != "gelu_pytorch_tanh") require(fields, "activation_function", "gelu_new");
  require(fields, "scale_attn_weights", true);
  require(fields, "scale_attn_by_inverse_layer_idx", false);
  require(fields, "add_cross_attention", false);
  ModelConfig model{.family = "gpt2"};
  model.layers = get<std::int64_t>(fields, "n_layer", 12);
  model.hidden = get<std::int64_t>(fields, "n_embd", 768);
  model.heads = get<std::int64_t>(fields, "n_head", 12);
  model.mlp_hidden = get<std::int64_t>(fields, "n_inner", 4 * model.hidden);
  model.sequence_length = get<std::int64_t>(fields, "n_positions", 1024);
  model.vocabulary = get<std::int64_t>(fields, "vocab_size", 50257);
  model.norm_epsilon = get<double>(fields, "layer_norm_epsilon", 1e-5);
  model.tied_embeddings = get<bool>(fields, "tie_word_embeddings", true);
  return model;
}

ModelConfig from_llama(const json& fields) {
  require(fields, "hidden_act", "silu");
  require(fields, "attention_bias", false);
  require(fields, "mlp_bias", false);
  ModelConfig model{.family = "llama"};
  model.layers = get<std::int64_t>(fields, "num_hidden_layers", 32);
  model.hidden = get<std::int64_t>(fields, "hidden_size", 4096);
  model.heads = get<std::int64_t>(fields, "num_attention_heads", 32);
  model.kv_heads = get<std::int64_t>(fields, "num_key_value_heads", model.heads);
  model.mlp_hidden = get<std::int64_t>(fields, "intermediate_size", 11008);
  model.sequence_length = get<std::int64_t>(fields, "max_position_embeddings", 2048);
  model.vocabulary = get<std::int64_t>(fields, "vocab_size", 32000);
  model.norm_epsilon = get<double>(fields, "rms_norm_eps", 1e-6);
  model.tied_embeddings = get<bool>(fields, "tie_word_embeddings", false);
  require(fields, "head_dim", model.hidden / std::max<std::int64_t>(model.heads, 1));
  // Old files have rope_theta and rope_scaling, new ones rope_parameters.
  const json rope = get<json>(fields, "rope_parameters", get<json>(fields, "rope_scaling", {}));
  require(rope, "rope_type", "default");
  require(rope, "type", "default");
  model.rope_theta = get<double>(rope, "rope_theta", get<double>(fields, "rope_theta", 10000.0));
  return model;
}

}  // namespace

std::string to_hugging_face_json(const ModelConfig& model, const std::string& dtype) {
  json fields = model.family == "gpt2" ? gpt2_json(model) : llama_json(model);
  fields["vocab_size"] = model.vocabulary;
  fields["tie_word_embeddings"] = model.tied_embeddings;
  fields["initializer_range"] = 0.02;
  if (model.vocabulary >= data::kVocabulary) {
    fields["bos_token_id"] = data::id_of(data::ControlToken::document_start);
    fields["eos_token_id"] = data::id_of(data::ControlToken::document_end);
    fields["pad_token_id"] = data::id_of(data::ControlToken::padding);
  }
  fields["dtype"] = dtype;
  fields["torch_dtype"] = dtype;  // the same, for transformers before 5
  return fields.dump(2) + "\n";
}

ModelConfig from_hugging_face_json(const std::string& text) {
  ModelConfig model;
  try {
    const json fields = json::parse(text);
    const auto type = fields.at("model_type").get<std::string>();
    if (type != "gpt2" && type != "llama") {
      fail_choice("config.json: model_type", type, "gpt2 | llama");
    }
    model = type == "gpt2" ? from_gpt2(fields) : from_llama(fields);
  } catch (const json::exception& error) {
    fail_input(std::string("config.json: ") + error.what());
  }
  config::Config checked;
  checked.model = model;
  config::validate(checked);
  return resolve(model, 0);
}

}  // namespace spillway::trainer
