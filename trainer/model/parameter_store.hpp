#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "trainer/model/parameters.hpp"

namespace spillway::trainer {

/// One parameter of a slice. All tensors are float32 views, in the parameter's shape, of the
/// store's flat buffers.
struct Parameter {
  ParameterSpec spec;
  std::int64_t offset = 0;  ///< of the first element in both flat buffers
  at::Tensor weight;        ///< master weight; write it under NoGradGuard
  at::Tensor gradient;      ///< accumulator
};

/// The parameters of one slice in two flat float32 buffers, weights and gradients: first all that
/// decay, then all that do not, each in the whole model's order. Gradients are zeroed by zeroing
/// the buffer, never through an optimizer, so that every view stays in place.
///
/// A tied matrix whose two uses are both in this slice has two accumulators: the lookup's in
/// gradients(), and the head's behind it in accumulators(). Whoever takes the gradients sums them
/// once, at the end, exactly as for two stages, so the bits do not depend on the cut.
class ParameterStore {
 public:
  ParameterStore(const config::ModelConfig& model, const Slice& slice, c10::Device device);

  /// In the order of the flat buffers.
  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// Throws Error(fault) if the slice has no such parameter.
  const Parameter& at(const std::string& name) const;
  bool contains(const std::string& name) const { return by_name_.contains(name); }
  /// The parameter whose `gradient` this is: one of parameters(), or tied_head().
  const Parameter& owner_of(const at::Tensor& accumulator) const;
  /// The tied matrix as the head uses it: its gradient is the head's accumulator.
  const Parameter& tied_head() const { return tied_head_; }

  const at::Tensor& weights() const { return weights_; }      ///< [numel]
  const at::Tensor& gradients() const { return gradients_; }  ///< [numel]
  const at::Tensor& accumulators() const {
    return accumulators_;
  }  ///< gradients(), then the tied head's if there are two
  std::int64_t numel() const { return weights_.numel(); }
  std::int64_t decay_numel() const { return decay_numel_; }  ///< length of the part that decays

  /// A number that grows whenever the weights change. LibTorch's in-place operators are noticed;
  /// its fused optimizers and writes through raw pointers (a receive, a file) are not: call
  /// weights_changed() after those.
  std::int64_t version() const;
  void weights_changed();

  void zero_gradients();

 private:
  void place(const std::vector<ParameterSpec>& specs, bool decay);

  std::vector<Parameter> parameters_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::unordered_map<std::int64_t, std::size_t> by_offset_;
  Parameter tied_head_;
  at::Tensor weights_, accumulators_, gradients_;
  std::int64_t decay_numel_ = 0;
};

/// Fills `weight` as a new model starts: a function of (seed, parameter name) alone, so that
/// weights do not depend on the layout. Rows of padding in embedding and head are zero.
void initialize(const at::Tensor& weight, const ParameterSpec& spec,
                const config::ModelConfig& model, std::uint64_t seed);
/// All parameters of a store.
void initialize(const ParameterStore& store, const config::ModelConfig& model, std::uint64_t seed);

}  // namespace spillway::trainer
