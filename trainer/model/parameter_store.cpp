#include "trainer/model/parameter_store.hpp"

#include <ATen/ATen.h>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

Parameter view(const ParameterSpec& spec, std::int64_t offset, const at::Tensor& weights,
               const at::Tensor& gradient) {
  Parameter parameter;
  parameter.spec = spec;
  parameter.offset = offset;
  parameter.weight = weights.narrow(0, offset, spec.numel()).view(spec.shape);
  parameter.gradient = gradient.view(spec.shape);
  return parameter;
}

}  // namespace

ParameterStore::ParameterStore(const config::ModelConfig& model, const Slice& slice,
                               c10::Device device) {
  const std::vector<ParameterSpec> specs = parameter_specs(model, slice);
  std::int64_t numel = 0;
  for (const ParameterSpec& spec : specs) {
    numel += spec.numel();
    if (spec.decay) decay_numel_ += spec.numel();
  }
  const bool both_uses = model.tied_embeddings && slice.has_embedding && slice.has_head;
  const std::int64_t tied_numel = both_uses ? padded_vocabulary(model) * model.hidden : 0;
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
  weights_ = at::zeros({numel}, options);
  accumulators_ = at::zeros({numel + tied_numel}, options);
  gradients_ = accumulators_.narrow(0, 0, numel);
  place(specs, true);
  place(specs, false);
  if (both_uses) {
    const Parameter& token = at(kTokenEmbedding);
    tied_head_ =
        view(token.spec, token.offset, weights_, accumulators_.narrow(0, numel, tied_numel));
  } else if (model.tied_embeddings && slice.has_head) {
    tied_head_ = at(kTokenEmbedding);
  }
}

void ParameterStore::place(const std::vector<ParameterSpec>& specs, bool decay) {
  std::int64_t offset = decay ? 0 : decay_numel_;
  for (const ParameterSpec& spec : specs) {
    if (spec.decay != decay) continue;
    by_name_.emplace(spec.name, parameters_.size());
    by_offset_.emplace(offset, parameters_.size());
    parameters_.push_back(view(spec, offset, weights_, gradients_.narrow(0, offset, spec.numel())));
    offset += spec.numel();
  }
}

const Parameter& ParameterStore::at(const std::string& name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) fail("no parameter " + name + " in this part of the model");
  return parameters_[found->second];
}

const Parameter& ParameterStore::owner_of(const at::Tensor& accumulator) const {
  const auto found = by_offset_.find(accumulator.storage_offset());
  return found == by_offset_.end() ? tied_head_ : parameters_[found->second];
}

std::int64_t ParameterStore::version() const {
  return static_cast<std::int64_t>(weights_._version());
}

void ParameterStore::weights_changed() { weights_.unsafeGetTensorImpl()->bump_version(); }

void ParameterStore::zero_gradients() { accumulators_.zero_(); }

}  // namespace spillway::trainer
