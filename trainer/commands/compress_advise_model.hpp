#pragma once

#include <functional>
#include <optional>
#include <vector>

namespace spillway::trainer {

/// A step without any exchange of gradients, on the rank that takes longest.
struct StepBase {
  double compute_seconds = 0;  ///< from the start to the end of the last backward
  double update_seconds = 0;   ///< behind the exchange: vote, clipping, optimizer
  /// How fast the rank computes while its exchange thread computes, and that thread too (1 with a
  /// core for each, 0.5 when they share one), and while it waits for the wire.
  double rate_beside_compute = 1;
  double rate_beside_wire = 1;
};

/// The exchange of one bucket.
struct BucketCost {
  double ready_seconds = 0;  ///< computing done when its gradients are final
  double compress_seconds = 0, wire_seconds = 0, decompress_seconds = 0;
};

/// What a step with these exchanges takes.
struct StepPrediction {
  double step_seconds = 0;
  double exposed_seconds = 0;  ///< waiting for gradients behind the last backward
};

/// One thread computes; another exchanges the buckets one after the other, each as soon as it is
/// ready and the one before is done: compress, wire, decompress. An event simulation, exact for
/// these rules. `buckets` in the order in which they become ready.
StepPrediction predict_step(const StepBase& base, const std::vector<BucketCost>& buckets);

/// Bandwidth (bytes/s) below which a method that sends `bytes` instead of `dense_bytes`, both as
/// they cross the link, and takes `extra_seconds` longer for everything else, is faster without
/// overlap; nothing when it never is. Infinity: it is at any.
std::optional<double> break_even_without_overlap(double dense_bytes, double bytes,
                                                 double extra_seconds);

/// The largest bandwidth (bytes/s) between `low` and `high` at which `gain(bandwidth)` > 0, to
/// 0.1 %: where a method, with overlap, stops to pay. `high` when it pays there, nothing when it
/// pays at none of 64 bandwidths spread between them.
std::optional<double> break_even(const std::function<double(double)>& gain, double low,
                                 double high);

}  // namespace spillway::trainer
