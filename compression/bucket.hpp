#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
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

/// Throws c10::Error unless the entries of the bucket are views that cover its flat buffer in
/// order.
void check_layout(const Bucket& bucket);

/// Says which buckets may be exchanged as gradients become final. Buckets are released in their own
/// order only, whatever the order of finish(), so that all replicas exchange them in the same
/// order. One thread.
class BucketProgress {
 public:
  explicit BucketProgress(const std::vector<Bucket>& buckets);

  /// The gradient is final. Returns the indices of the buckets that are free to go now, ascending.
  /// Throws c10::Error for an unknown name and for a gradient that is final already.
  std::vector<std::size_t> finish(const std::string& name);
  /// True when every bucket has been released.
  bool complete() const { return next_ == missing_.size(); }
  /// Begins the next step.
  void reset();

 private:
  struct Place {
    std::size_t bucket = 0;
    bool finished = false;
  };
  std::unordered_map<std::string, Place> places_;
  std::vector<std::size_t> sizes_;    // entries of each bucket
  std::vector<std::size_t> missing_;  // entries of each bucket that are not final yet
  std::size_t next_ = 0;              // first bucket that has not been released
};

}  // namespace spillway::compression
