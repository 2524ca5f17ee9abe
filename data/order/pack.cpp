#include "data/order/pack.hpp"

#include <algorithm>

#include "configs/error.hpp"
#include "data/tokens/byte_tokenizer.hpp"

namespace spillway::data {
namespace {

// Streams of random numbers of one seed.
constexpr std::uint64_t kOrderStream = 1, kMutationStream = 2;

/// Copies what `ids`, which begin at token `ids_begin`, and `out`, which begins at token
/// `out_begin`, have in common.
void copy_common(std::span<const std::int32_t> ids, std::uint64_t ids_begin,
                 std::span<std::int32_t> out, std::uint64_t out_begin) {
  const std::uint64_t begin = std::max(ids_begin, out_begin),
                      end = std::min(ids_begin + ids.size(), out_begin + out.size());
  if (begin < end)
    std::copy_n(ids.begin() + static_cast<std::ptrdiff_t>(begin - ids_begin), end - begin,
                out.begin() + static_cast<std::ptrdiff_t>(begin - out_begin));
}

}  // namespace

PackedGroup::PackedGroup(std::vector<Item> items, std::int64_t sequence_length)
    : items_(std::move(items)), length_(sequence_length) {
  for (Item& item : items_) {
    item.begin = static_cast<std::uint64_t>(total_);
    total_ += static_cast<std::int64_t>(encoded_length(item.bytes.size(), item.turns.size()));
    item.end = static_cast<std::uint64_t>(total_);
  }
  sequences_ = total_ == 0 ? 0 : (total_ - 1 + length_ - 1) / length_;
}

std::int64_t PackedGroup::target_tokens(std::int64_t sequence) const {
  return std::min(length_, total_ - 1 - sequence * length_);
}

void PackedGroup::count_samples(std::int64_t sequence, CategoryCounts& counts) const {
  const auto begin = static_cast<std::uint64_t>(sequence * length_),
             end = begin + static_cast<std::uint64_t>(length_);
  auto item = std::partition_point(items_.begin(), items_.end(),
                                   [&](const Item& i) { return i.begin < begin; });
  for (; item != items_.end() && item->begin < end; ++item)
    ++counts[static_cast<std::size_t>(item->category)];
}

const std::vector<std::int32_t>& PackedGroup::encoded(const Item& item) {
  if (encoded_item_ != item.begin || encoded_.empty()) {
    encoded_.clear();
    encode(item.bytes, item.turns, encoded_);
    encoded_item_ = item.begin;
  }
  return encoded_;
}

std::vector<Piece> PackedGroup::fill(std::int64_t sequence, std::span<std::int32_t> tokens,
                                     std::span<std::int32_t> targets) {
  const auto begin = static_cast<std::uint64_t>(sequence * length_);
  const auto end = static_cast<std::uint64_t>(std::min(sequence * length_ + length_, total_));
  const auto known = static_cast<std::size_t>(target_tokens(sequence));
  std::fill(tokens.begin() + static_cast<std::ptrdiff_t>(end - begin), tokens.end(),
            id_of(ControlToken::padding));
  std::fill(targets.begin() + static_cast<std::ptrdiff_t>(known), targets.end(), kIgnoredTarget);
  std::vector<Piece> pieces;
  auto item = std::partition_point(items_.begin(), items_.end(),
                                   [&](const Item& i) { return i.end <= begin; });
  for (; item != items_.end() && item->begin <= begin + known; ++item) {
    const std::vector<std::int32_t>& ids = encoded(*item);
    copy_common(ids, item->begin, tokens.first(end - begin), begin);
    copy_common(ids, item->begin, targets.first(known), begin + 1);
    if (item->begin >= end) break;  // only its first token counts, as a target
    pieces.push_back({item->id, item->category,
                      static_cast<std::uint32_t>(std::max(item->begin, begin) - begin),
                      static_cast<std::uint32_t>(std::min(item->end, end) - begin)});
  }
  return pieces;
}

Packer::Packer(const CorpusReader& corpus, Options options)
    : corpus_(corpus),
      options_(std::move(options)),
      split_(corpus.size(), corpus.base_count(), options_.validation_share),
      pool_(corpus, corpus.base_count(), options_.validation_share) {
  if (options_.sequence_length < 1)
    fail_input("sequence length = " + std::to_string(options_.sequence_length) + "; valid: >= 1");
  if (options_.mutation_rate > 0 && options_.operators.empty()) {
    fail_input("data.mutation.rate = " + std::to_string(options_.mutation_rate) +
               " without an operator");
  }
  if (options_.mutation_rate > 0) mutator_.emplace(options_.operators, pool_);
  places_ = options_.side == Side::train ? split_.train_size() : split_.validation_size();
  if (places_ == 0) {
    fail_input("corpus " + corpus.dir().string() + ": no sample is held out; it has " +
               std::to_string(corpus.base_count()) +
               " base samples, data.validation = " + std::to_string(options_.validation_share));
  }
}

PackedGroup Packer::group(std::uint64_t number) const {
  const std::uint64_t epoch = number / groups_per_epoch();
  const std::uint64_t first = number % groups_per_epoch() * kGroupSamples;
  const Permutation order(places_, RandomKey(options_.seed).split(kOrderStream).split(epoch));
  std::vector<PackedGroup::Item> items;
  for (std::uint64_t place = first; place < std::min(first + kGroupSamples, places_); ++place) {
    if (options_.side == Side::validation) {
      items.push_back(item(epoch, split_.validation_id(order(place))));
    } else if (const std::optional<std::uint64_t> id = split_.train_id(order(place))) {
      items.push_back(item(epoch, *id));
    }
  }
  return {std::move(items), options_.sequence_length};
}

PackedGroup::Item Packer::item(std::uint64_t epoch, std::uint64_t id) const {
  SampleView view = corpus_.view(id);
  if (options_.side == Side::train && options_.mutation_rate > 0 && !view.mutated) {
    if (std::shared_ptr<const Sample> mutant = mutate(epoch, id)) {
      return {.id = id,
              .category = mutant->category,
              .bytes = mutant->bytes,
              .turns = mutant->turns,
              .mutant = mutant};
    }
  }
  return {.id = id,
          .category = view.category,
          .bytes = view.bytes,
          .turns = std::move(view.turns),
          .mutant = nullptr};
}

/// The mutant of this sample in this epoch; nothing when it stays as it is.
std::shared_ptr<const Sample> Packer::mutate(std::uint64_t epoch, std::uint64_t id) const {
  const RandomKey key = RandomKey(options_.seed).split(kMutationStream).split(epoch).split(id);
  RandomKey draws = key.split(0);
  if (draws.uniform() >= options_.mutation_rate) return nullptr;
  std::optional<Sample> mutant = mutator_->mutate(corpus_.get(id), key.split(1));
  if (!mutant) return nullptr;
  check_turns(*mutant);
  return std::make_shared<const Sample>(std::move(*mutant));
}

}  // namespace spillway::data
