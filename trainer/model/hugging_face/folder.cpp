#include "trainer/model/hugging_face/folder.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "configs/error.hpp"
#include "data/corpus/mapped_file.hpp"
#include "trainer/model/hugging_face/model_json.hpp"
#include "trainer/model/hugging_face/tensor_names.hpp"
#include "trainer/model/hugging_face/tokenizer_json.hpp"
#include "trainer/model/parameters.hpp"

namespace spillway::trainer {
namespace {

using config::ModelConfig;
using std::filesystem::path;

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kGpt2Prefix = "transformer.";

std::string read_text(const path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) fail_input(file.string() + ": cannot be opened");
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_text(const path& file, const std::string& text) {
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) fail(file.string() + ": cannot be written; is the disk full?");
  data::sync_to_disk(file);
}

std::string text_of(at::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

void check_shapes(const NamedModel& named) {
  for (const ParameterSpec& spec : parameter_specs(named.model)) {
    const auto found = named.tensors.find(spec.name);
    if (found == named.tensors.end()) fail_input("export: parameter " + spec.name + " is missing");
    if (found->second.sizes() != at::IntArrayRef(spec.shape)) {
      fail_input("export: parameter " + spec.name + " is " + text_of(found->second.sizes()) +
                 "; valid: " + text_of(spec.shape));
    }
  }
}

NamedTensors to_hugging_face(const NamedModel& named, at::ScalarType dtype) {
  NamedTensors theirs;
  for (const HuggingFaceTensor& piece : hugging_face_tensors(named.model)) {
    const at::Tensor ours = named.tensors.at(piece.parameter).detach().cpu();
    const at::Tensor rows = ours.narrow(0, piece.first_row, piece.rows).to(dtype);
    theirs.emplace(piece.name, (piece.transposed ? rows.t() : rows).contiguous());
  }
  return theirs;
}

/// Tensors of the one file, or of all shards that the index names.
NamedTensors read_weights(const path& folder) {
  if (std::filesystem::exists(folder / kWeights)) return read_safetensors(folder / kWeights);
  if (!std::filesystem::exists(folder / kIndex)) {
    fail_input(folder.string() + ": has neither " + kWeights + " nor " + kIndex);
  }
  std::set<std::string> files;
  try {
    const auto index = nlohmann::json::parse(read_text(folder / kIndex));
    for (const auto& [tensor, file] : index.at("weight_map").items()) files.insert(file);
  } catch (const nlohmann::json::exception& error) {
    fail_input((folder / kIndex).string() + ": " + error.what());
  }
  NamedTensors tensors;
  for (const std::string& file : files) tensors.merge(read_safetensors(folder / file));
  return tensors;
}

/// Masks and frequencies that old versions saved beside the weights, and a tied head's copy.
bool is_derived(const std::string& name, const ModelConfig& model) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") ||
         name.ends_with(".rotary_emb.inv_freq") ||
         (model.tied_embeddings && name == "lm_head.weight");
}

/// The published GPT-2 has no "transformer." before its names.
void add_prefix(NamedTensors& theirs) {
  if (!theirs.contains("wte.weight")) return;
  NamedTensors renamed;
  for (auto& [name, tensor] : theirs) {
    renamed.emplace(name == "lm_head.weight" ? name : kGpt2Prefix + name, tensor);
  }
  theirs = std::move(renamed);
}

/// Takes the tensor out of `theirs` and copies it into its rows of our parameter.
void take(NamedTensors& theirs, const HuggingFaceTensor& piece, const at::Tensor& ours) {
  const auto found = theirs.find(piece.name);
  if (found == theirs.end()) fail_input("import: tensor " + piece.name + " is missing");
  const at::Tensor rows = ours.narrow(0, piece.first_row, piece.rows);
  const at::Tensor target = piece.transposed ? rows.t() : rows;
  if (found->second.sizes() != target.sizes()) {
    fail_input("import: tensor " + piece.name + " is " + text_of(found->second.sizes()) +
               "; config.json says " + text_of(target.sizes()));
  }
  target.copy_(found->second);
  theirs.erase(found);
}

}  // namespace

void export_hugging_face(const NamedModel& named, at::ScalarType dtype, const path& folder) {
  const at::NoGradGuard no_grad;
  TORCH_CHECK(dtype == at::kFloat || dtype == at::kBFloat16, "export: dtype ", dtype,
              "; valid: float32, bfloat16");
  if (std::filesystem::exists(folder)) {
    fail_input(folder.string() + ": exists already; valid: the name of a new folder");
  }
  check_shapes(named);
  const path unfinished = folder.string() + ".tmp";
  std::filesystem::remove_all(unfinished);
  std::filesystem::create_directories(unfinished);
  const char* type = dtype == at::kFloat ? "float32" : "bfloat16";
  write_text(unfinished / "config.json", to_hugging_face_json(named.model, type));
  write_text(unfinished / "tokenizer.json", tokenizer_json());
  write_text(unfinished / "tokenizer_config.json",
             tokenizer_config_json(named.model.sequence_length));
  write_safetensors(unfinished / kWeights, to_hugging_face(named, dtype), {{"format", "pt"}});
  data::sync_to_disk(unfinished);
  std::filesystem::rename(unfinished, folder);
  data::sync_to_disk(std::filesystem::absolute(folder).parent_path());
}

NamedModel import_hugging_face(const path& folder) {
  const at::NoGradGuard no_grad;
  NamedModel named{.model = from_hugging_face_json(read_text(folder / "config.json")),
                   .tensors = {}};
  NamedTensors theirs = read_weights(folder);
  if (named.model.family == "gpt2") add_prefix(theirs);
  for (const ParameterSpec& spec : parameter_specs(named.model)) {
    named.tensors.emplace(spec.name, at::zeros(spec.shape, at::kFloat));
  }
  for (const HuggingFaceTensor& piece : hugging_face_tensors(named.model)) {
    take(theirs, piece, named.tensors.at(piece.parameter));
  }
  for (const auto& [name, tensor] : theirs) {
    if (!is_derived(name, named.model)) {
      fail_input(folder.string() + ": tensor " + name + " is not part of a " + named.model.family +
                 " with " + std::to_string(named.model.layers) + " layers");
    }
  }
  return named;
}

}  // namespace spillway::trainer
