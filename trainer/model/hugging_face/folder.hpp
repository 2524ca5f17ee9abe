#pragma once

#include <filesystem>

#include "configs/schema.hpp"
#include "trainer/model/hugging_face/safetensors.hpp"

namespace spillway::trainer {

/// A model on its way in or out: resolved configuration and all parameters under their names
/// (parameter_specs), each in the shape it has there.
struct NamedModel {
  config::ModelConfig model;
  NamedTensors tensors;
};

/// Writes a Hugging Face folder (config.json, model.safetensors, tokenizer.json,
/// tokenizer_config.json) that GPT2LMHeadModel or LlamaForCausalLM load. `dtype` is float32, or
/// bfloat16, which rounds every tensor to nearest even: the pure model that QAT evaluated.
/// The folder appears complete or not at all; it must not exist. Throws Error(input) if it does,
/// or if a parameter is missing or of another shape.
void export_hugging_face(const NamedModel& named, at::ScalarType dtype,
                         const std::filesystem::path& folder);

/// Reads config.json and model.safetensors, or the shards of model.safetensors.index.json, of a
/// GPT-2 or Llama of any size and vocabulary. Tensors come as float32, which holds bfloat16
/// exactly; padding rows are zero. Throws Error(input) naming what is missing, of another shape, or
/// unknown.
NamedModel import_hugging_face(const std::filesystem::path& folder);

}  // namespace spillway::trainer
