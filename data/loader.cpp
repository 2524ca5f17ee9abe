#include "data/loader.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "configs/error.hpp"

namespace spillway::data {
namespace {

constexpr int kSequenceBits = 24;

void check(const LoaderOptions& options, std::int64_t position) {
  if (options.sequences_per_step < 1 || options.first < 0 || options.count < 0 ||
      options.first + options.count > options.sequences_per_step || options.prefetch < 1 ||
      position < 0) {
    fail("loader: sequences [" + std::to_string(options.first) + ", " +
         std::to_string(options.first + options.count) + ") of " +
         std::to_string(options.sequences_per_step) + " a step, prefetch " +
         std::to_string(options.prefetch) + ", position " + std::to_string(position) +
         "; valid: a part of the step, prefetch >= 1, position >= 0");
  }
}

/// Makes batches one after the other, keeping the group it is in.
class Assembler {
 public:
  Assembler(const CorpusReader& corpus, const LoaderOptions& options, std::int64_t position)
      : options_(options),
        packer_(corpus, {.sequence_length = options.sequence_length,
                         .seed = options.seed,
                         .validation_share = options.validation_share,
                         .side = options.side,
                         .mutation_rate = options.mutation_rate,
                         .operators = options.operators}),
        number_(static_cast<std::uint64_t>(position) >> kSequenceBits),
        sequence_(position & ((std::int64_t{1} << kSequenceBits) - 1)) {}

  Batch next() {
    open_group();
    Batch batch;
    batch.position = position();
    const auto cells = static_cast<std::size_t>(options_.count * options_.sequence_length);
    batch.tokens.resize(cells);
    batch.targets.resize(cells);
    for (std::int64_t slot = 0; slot < options_.sequences_per_step; ++slot) {
      open_group();
      batch.target_tokens_global += group_->target_tokens(sequence_);
      group_->count_samples(sequence_, batch.samples_global);
      if (slot >= options_.first && slot < options_.first + options_.count)
        fill(batch, slot - options_.first);
      ++sequence_;
    }
    open_group();
    batch.next_position = position();
    return batch;
  }

 private:
  std::int64_t position() const {
    return static_cast<std::int64_t>(number_ << kSequenceBits) + sequence_;
  }

  void fill(Batch& batch, std::int64_t row) {
    const auto length = static_cast<std::size_t>(options_.sequence_length);
    const std::size_t begin = static_cast<std::size_t>(row) * length;
    batch.pieces.push_back(group_->fill(sequence_, std::span(batch.tokens).subspan(begin, length),
                                        std::span(batch.targets).subspan(begin, length)));
  }

  /// Makes sure that the next sequence is there: moves on to the next group when this one is used
  /// up.
  void open_group() {
    if (!group_) {
      group_.emplace(packer_.group(number_));
      if (sequence_ > group_->sequences()) {
        fail_input("position " + std::to_string(position()) + " is not in this corpus: group " +
                   std::to_string(number_) + " has " + std::to_string(group_->sequences()) +
                   " sequences; it comes from another corpus, seed or sequence length");
      }
    }
    while (sequence_ >= group_->sequences()) {
      group_.emplace(packer_.group(++number_));
      sequence_ = 0;
      if (group_->sequences() >= std::int64_t{1} << kSequenceBits) {
        fail("group " + std::to_string(number_) + " has " + std::to_string(group_->sequences()) +
             " sequences; valid: < 2^24");
      }
    }
  }

  const LoaderOptions& options_;
  Packer packer_;
  std::uint64_t number_;
  std::int64_t sequence_;
  std::optional<PackedGroup> group_;
};

}  // namespace

class Loader::Prefetch {
 public:
  Prefetch(const LoaderOptions& options, std::int64_t position)
      : options_(options),
        corpus_(options.corpus),
        assembler_(corpus_, options_, position),
        thread_([this] { produce(); }) {}
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  ~Prefetch() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  Batch next() {
    const auto start = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ready_.empty() || failure_; });
    wait_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (ready_.empty()) std::rethrow_exception(failure_);
    Batch batch = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return batch;
  }

  double wait_seconds() const { return wait_seconds_; }
  const CorpusReader& corpus() const { return corpus_; }

 private:
  void produce() {
    try {
      while (true) {
        Batch batch = assembler_.next();
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] {
          return stopping_ || ready_.size() < static_cast<std::size_t>(options_.prefetch);
        });
        if (stopping_) return;
        ready_.push_back(std::move(batch));
        changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      changed_.notify_all();
    }
  }

  const LoaderOptions options_;
  const CorpusReader corpus_;
  Assembler assembler_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> ready_;
  std::exception_ptr failure_;
  bool stopping_ = false;
  double wait_seconds_ = 0;
  std::thread thread_;  // last: it uses all of the above
};

Loader::Loader(const LoaderOptions& options, std::int64_t start_position) {
  check(options, start_position);
  prefetch_ = std::make_unique<Prefetch>(options, start_position);
}

Loader::~Loader() = default;

Batch Loader::next() { return prefetch_->next(); }

double Loader::wait_seconds() const { return prefetch_->wait_seconds(); }

const CorpusReader& Loader::corpus() const { return prefetch_->corpus(); }

}  // namespace spillway::data
