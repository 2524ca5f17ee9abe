#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "data/order/pack.hpp"

namespace spillway::data {

struct LoaderOptions {
  std::filesystem::path corpus;
  std::int64_t sequence_length = 0;     ///< T
  std::int64_t sequences_per_step = 0;  ///< of the global batch
  std::int64_t first = 0, count = 0;  ///< the sequences [first, first + count) of the global batch
                                      ///< that this replica needs
  std::uint64_t seed = 0;
  double validation_share = 0;              ///< of base samples, 0 to 0.5
  Packer::Side side = Packer::Side::train;  ///< validation: held-out base samples, never mutated
  double mutation_rate = 0;
  std::vector<const Operator*> operators = {};
  std::int64_t prefetch = 4;  ///< batches prepared ahead
};

/// One global batch, of which this replica holds `count` sequences.
struct Batch {
  std::int64_t position = 0;  ///< of this batch
  std::int64_t next_position =
      0;  ///< of the one after it; a loader made with it goes on exactly there
  std::vector<std::int32_t> tokens;   ///< [count, T]
  std::vector<std::int32_t> targets;  ///< [count, T]; kIgnoredTarget where there is no next token
  std::vector<std::vector<Piece>> pieces;  ///< [count]: which samples each sequence is made of
  std::int64_t target_tokens_global =
      0;  ///< targets not ignored in the global batch, to normalise the loss by
  CategoryCounts samples_global{};  ///< samples that begin in the global batch
};

/// Global batches in the order of the seed, prepared ahead by one thread.
///
/// Batches depend on the corpus, the seed, T, the global batch size, the split and the mutation,
/// and on nothing else: any number of replicas, any prefetch and any restart see the same ones. The
/// state is one integer, position = group * 2^24 + sequence within the group: groups (Packer) are
/// numbered over all epochs, and each can be made without those before it, so a resume costs one
/// group however far the run is. Memory: the prefetched slices, one encoded sample and a
/// group's mutants; the corpus is mapped.
/// No collective; every replica makes its own.
class Loader {
 public:
  /// Throws Error(input) for a corpus that cannot be read or options out of range.
  explicit Loader(const LoaderOptions& options, std::int64_t start_position = 0);
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  /// Stops the thread; it ends after the batch it is at.
  ~Loader();

  /// The next batch. Throws what preparing it threw, e.g. Error(fault) naming shard and sample when
  /// one is damaged.
  Batch next();
  /// Seconds that the last next() waited for the thread.
  double wait_seconds() const;
  const CorpusReader& corpus() const;

 private:
  class Prefetch;
  std::unique_ptr<Prefetch> prefetch_;
};

}  // namespace spillway::data
