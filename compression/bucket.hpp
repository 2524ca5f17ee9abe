#pragma once

#include <string>
#include <vector>

#include "compression/gradient_exchange.hpp"

namespace spillway::compression {

/// Name and shape of a parameter of the model.
struct ParameterShape {
  std::string name;
  std::vector<std::int64_t> shape;
};

/// Cuts gradients into buckets of at most `bucket_mib` MiB, in the order in which backward finishes
/// them: the last parameters first. `gradients`: in registration order, float32, contiguous, each
/// beginning in `flat` [numel] where the one before ends, and covering it. Inside a bucket entries
/// keep registration order, so that bucket.flat is a view of `flat`. A gradient larger than the
/// limit gets a bucket of its own. Throws c10::Error, naming the gradient, when the layout is
/// another.
std::vector<Bucket> make_buckets(const at::Tensor& flat,
                                 const std::vector<NamedGradient>& gradients, double bucket_mib);

/// The same cut of the parameters alone.
std::vector<std::vector<ParameterShape>> make_buckets(const std::vector<ParameterShape>& parameters,
                                                      double bucket_mib);

/// Throws c10::Error unless the entries of the bucket are views that cover its flat buffer in
/// order.
void check_layout(const Bucket& bucket);

}  // namespace spillway::compression
