#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "data/corpus/corpus_reader.hpp"
#include "data/mutate/mutator.hpp"
#include "data/order/split.hpp"

namespace spillway::data {

/// Samples of each category, by its number.
using CategoryCounts = std::array<std::uint64_t, kCategories>;

/// Tokens [begin, end) of a sequence that come from one sample.
struct Piece {
  std::uint64_t id = 0;
  Category category = Category::text;  ///< after mutation on the fly
  std::uint32_t begin = 0, end = 0;
};

inline constexpr std::int32_t kIgnoredTarget = -100;

/// W samples that are neighbours in the order of an epoch, encoded, put end to end, and cut into
/// sequences of T tokens; each token's target is the one after it, also across a cut. The last
/// sequence is padded.
class PackedGroup {
 public:
  struct Item {
    std::uint64_t id = 0;
    Category category = Category::text;
    std::string_view bytes;
    std::vector<Turn> turns;
    std::shared_ptr<const Sample> mutant;  ///< owns `bytes` when it was made on the fly
    std::uint64_t begin = 0, end = 0;      ///< tokens of the group
  };
  PackedGroup(std::vector<Item> items, std::int64_t sequence_length);

  std::int64_t sequences() const { return sequences_; }
  /// Targets of a sequence that are not ignored: T, or fewer in the last.
  std::int64_t target_tokens(std::int64_t sequence) const;
  /// Adds the samples whose first token is in the sequence.
  void count_samples(std::int64_t sequence, CategoryCounts& counts) const;
  /// Writes T tokens and T targets and returns what they come from. Asked for in ascending order,
  /// each sample is encoded once.
  std::vector<Piece> fill(std::int64_t sequence, std::span<std::int32_t> tokens,
                          std::span<std::int32_t> targets);

 private:
  const std::vector<std::int32_t>& encoded(const Item& item);

  std::vector<Item> items_;
  std::int64_t length_ = 0, total_ = 0, sequences_ = 0;
  std::uint64_t encoded_item_ = 0;  // begin of the item that encoded_ holds: the last one asked for
  std::vector<std::int32_t> encoded_;
};

/// What stands where in the endless stream of epochs. Group g of an epoch holds positions [g W, (g
/// + 1) W) of its order; everything is a pure function of the options and the group's number, so no
/// group depends on one before it.
class Packer {
 public:
  static constexpr std::uint64_t kGroupSamples = 64;  ///< W
  enum class Side : std::uint8_t { train, validation };

  struct Options {
    std::int64_t sequence_length = 0;
    std::uint64_t seed = 0;
    double validation_share = 0;
    Side side = Side::train;
    double mutation_rate = 0;  ///< share of unmutated training samples that is mutated on the fly
    std::vector<const Operator*> operators;
  };

  /// The corpus must outlive the packer. Throws Error(input) when the side has no samples, or a
  /// rate without operators is given.
  Packer(const CorpusReader& corpus, Options options);

  std::uint64_t groups_per_epoch() const { return (places_ + kGroupSamples - 1) / kGroupSamples; }
  /// Group `number` counted over all epochs. Throws Error(fault) naming shard and sample when one
  /// is damaged.
  PackedGroup group(std::uint64_t number) const;

 private:
  PackedGroup::Item item(std::uint64_t epoch, std::uint64_t id) const;
  std::shared_ptr<const Sample> mutate(std::uint64_t epoch, std::uint64_t id) const;

  const CorpusReader& corpus_;
  Options options_;
  Split split_;
  TrainingPool pool_;
  std::optional<Mutator> mutator_;  ///< when there is a rate: as `corpus mutate` chooses operators
  std::uint64_t places_ = 0;
};

}  // namespace spillway::data
