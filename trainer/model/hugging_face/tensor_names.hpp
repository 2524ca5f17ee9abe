#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/schema.hpp"

namespace spillway::trainer {

/// One tensor of a Hugging Face model as a piece of one of our parameters: rows
/// [first_row, first_row + rows) of `parameter`, transposed where Hugging Face has a Conv1D (gpt2).
/// Vectors are pieces of rows of one element.
struct HuggingFaceTensor {
  std::string name;
  std::string parameter;
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  bool transposed = false;
};

/// All tensors of GPT2LMHeadModel or LlamaForCausalLM for a resolved configuration. The padding
/// rows of the vocabulary belong to none of them.
std::vector<HuggingFaceTensor> hugging_face_tensors(const config::ModelConfig& model);

}  // namespace spillway::trainer
