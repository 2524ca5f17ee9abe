#include "data/mutate/grow.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "configs/error.hpp"
#include "data/corpus/checksum.hpp"
#include "data/corpus/corpus_reader.hpp"
#include "data/corpus/shard_writer.hpp"
#include "data/mutate/growth_folder.hpp"
#include "data/order/split.hpp"

namespace spillway::data {
namespace {

constexpr double kHeldOut = 0.5;                                // the most that a run can hold out
constexpr std::uint64_t kShardBytes = std::uint64_t{64} << 20;  // of text, roughly

void check(const GrowOptions& options) {
  if (options.samples == 0) fail_input("corpus mutate: --samples = 0 is out of range; valid: >= 1");
  if (options.threads == 0) fail_input("corpus mutate: --threads = 0 is out of range; valid: >= 1");
  const Manifest base = read_manifest(options.in);
  if (base.samples == base.base_count) return;
  fail_input("corpus " + options.in.string() + " was itself grown from " + base.parent +
             "; grow that one to the size you want");
}

/// Samples of one shard: of the base and the number asked for alone, so that threads do not decide
/// it.
std::uint64_t samples_per_shard(const Manifest& base, const GrowOptions& options) {
  const std::uint64_t mean = base.bytes / base.samples + base.bytes / base.samples / 4 +
                             static_cast<std::uint64_t>(options.long_context_share * 6144) + 64;
  const std::uint64_t by_bytes = std::bit_floor(std::max<std::uint64_t>(kShardBytes / mean, 1));
  const std::uint64_t by_count = std::bit_ceil(std::max<std::uint64_t>(options.samples / 16, 1));
  return std::clamp<std::uint64_t>(std::min(by_bytes, by_count), 64, 131072);
}

std::string names_of(const std::vector<const Operator*>& operators) {
  std::string names;
  for (const Operator* op : operators) names.append(names.empty() ? "" : ",").append(op->name());
  return names;
}

void count(GrownShard& shard, const Sample& sample) {
  ++shard.categories[to_string(sample.category)];
  ++shard.languages[sample.language];
  if (!sample.provenance.operator_name.empty()) ++shard.operators[sample.provenance.operator_name];
}

void add(std::map<std::string, std::uint64_t>& sums,
         const std::map<std::string, std::uint64_t>& parts) {
  for (const auto& [name, part] : parts) sums[name] += part;
}

/// The corpus being grown: which samples it has, and who makes which shard.
class Growth {
 public:
  explicit Growth(const GrowOptions& options)
      : options_(options),
        base_(options.in),
        operators_(select_operators(options.operators)),
        quotes_(base_, base_.base_count(), kHeldOut),
        mutator_(operators_, quotes_, options.long_context_share),
        per_shard_(samples_per_shard(base_.manifest(), options)),
        folder_(options.out, plan(), options.replace),
        shards_((options.samples + per_shard_ - 1) / per_shard_) {}

  GrowReport run(const GrowProgress& progress) {
    keep_finished();
    std::vector<std::thread> workers;
    workers_left_ = std::min<std::size_t>(options_.threads, shards_.size());
    for (std::size_t i = workers_left_; i > 0; --i) workers.emplace_back([this] { work(); });
    report_until_done(progress);
    for (std::thread& worker : workers) worker.join();
    if (fault_) std::rethrow_exception(fault_);
    return finish();
  }

 private:
  std::string plan() const {
    return "base " + base_.manifest().root + "\nsamples " + std::to_string(options_.samples) +
           "\nseed " + std::to_string(options_.seed) + "\noperators " + names_of(operators_) +
           "\nlong context share " + std::to_string(options_.long_context_share) +
           "\nsamples per shard " + std::to_string(per_shard_) + "\nversion " SPILLWAY_VERSION "\n";
  }

  void keep_finished() {
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      auto shard = folder_.finished(i);
      if (!shard) continue;
      kept_samples_ += shard->entry.samples;
      ++report_.kept_shards;
      shards_[i] = std::move(shard);
    }
    done_ = kept_samples_;
  }

  Sample make(std::uint64_t id, GrownShard& shard) const {
    const std::uint64_t base_id = id % base_.base_count();
    Sample sample = base_.get(base_id);
    if (id >= base_.base_count()) {
      auto mutant = mutator_.mutate(sample, RandomKey(options_.seed).split(id));
      if (mutant) sample = std::move(*mutant);
      if (!mutant) ++shard.unmutated;
    }
    sample.id = id;
    sample.provenance.base_id = base_id;
    return sample;
  }

  GrownShard make_shard(std::size_t index) {
    const std::uint64_t first = index * per_shard_,
                        last = std::min(first + per_shard_, options_.samples);
    GrownShard shard;
    ShardWriter writer(folder_.shard_path(index), first);
    for (std::uint64_t id = first; id < last && !stop_; ++id) {
      const Sample sample = make(id, shard);
      count(shard, sample);
      writer.append(sample);
      ++done_;
    }
    if (stop_) return {};
    shard.entry = writer.seal();
    folder_.note(index, shard);
    return shard;
  }

  void work() {
    try {
      for (std::size_t i = next_++; i < shards_.size() && !stop_; i = next_++) {
        if (!shards_[i]) shards_[i] = make_shard(i);
      }
    } catch (...) {
      const std::lock_guard guard(mutex_);
      if (!fault_) fault_ = std::current_exception();
      stop_ = true;
    }
    const std::lock_guard guard(mutex_);
    --workers_left_;
    changed_.notify_all();
  }

  void report_until_done(const GrowProgress& progress) {
    std::unique_lock guard(mutex_);
    while (!changed_.wait_for(guard, std::chrono::milliseconds(200),
                              [&] { return workers_left_ == 0; })) {
      guard.unlock();
      progress(done_, kept_samples_);
      guard.lock();
    }
  }

  GrowReport finish() {
    Manifest& manifest = report_.manifest;
    manifest.name = options_.name.empty() ? folder_.out().filename().string() : options_.name;
    manifest.parent = base_.manifest().name;
    manifest.parent_root = base_.manifest().root;
    manifest.base_count = std::min(base_.base_count(), options_.samples);
    manifest.seed = options_.seed;
    manifest.tool_version = SPILLWAY_VERSION;
    std::string roots;
    for (const auto& shard : shards_) {
      manifest.shards.push_back(shard->entry);
      manifest.samples += shard->entry.samples;
      manifest.bytes += shard->entry.bytes;
      add(manifest.categories, shard->categories);
      add(manifest.languages, shard->languages);
      add(manifest.operators, shard->operators);
      report_.unmutated += shard->unmutated;
      roots += shard->entry.root;
    }
    manifest.root = to_hex(checksum(roots));
    manifest.options = {{"operators", names_of(operators_)},
                        {"long_context_share", std::to_string(options_.long_context_share)},
                        {"kept_unmutated", std::to_string(report_.unmutated)}};
    report_.written_samples = manifest.samples - kept_samples_;
    folder_.publish(manifest);
    return std::move(report_);
  }

  const GrowOptions& options_;
  CorpusReader base_;
  std::vector<const Operator*> operators_;
  TrainingPool quotes_;
  Mutator mutator_;
  std::uint64_t per_shard_;
  GrowthFolder folder_;
  std::vector<std::optional<GrownShard>> shards_;  // each written by the one worker that makes it
  GrowReport report_;
  std::uint64_t kept_samples_ = 0;

  std::atomic<std::size_t> next_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t workers_left_ = 0;
  std::exception_ptr fault_;
};

}  // namespace

GrowReport grow_corpus(const GrowOptions& options, const GrowProgress& progress) {
  check(options);
  return Growth(options).run(progress);
}

}  // namespace spillway::data
