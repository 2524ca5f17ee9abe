#pragma once

#include <string>

#include "configs/schema.hpp"

namespace spillway::trainer {

/// config.json of a resolved configuration, as GPT2LMHeadModel or LlamaForCausalLM read it. `dtype`
/// is "float32" or "bfloat16". Special ids are those of the byte tokenizer,
/// where the vocabulary has them.
std::string to_hugging_face_json(const config::ModelConfig& model, const std::string& dtype);

/// A resolved configuration from the text of a config.json. Throws Error(input) naming the key
/// for another kind of model, and for variants that this program would compute differently
/// (scaled rotary positions, other activations, biases in llama, ...).
config::ModelConfig from_hugging_face_json(const std::string& text);

}  // namespace spillway::trainer
