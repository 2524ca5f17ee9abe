// Speed of every mutation operator on samples of about 600 bytes, English and Chinese prose and
// dialogues, one thread, processor time. One JSON line an operator: samples and megabytes of input
// a second over all calls (no-ops included), and the share of samples that it changed. 0.3 s after
// a warm-up of 0.1 s.
#include <time.h>

#include <cstdio>

#include "tests/bench/thread_seconds.hpp"
#include "tests/data/mutate/samples.hpp"

namespace {

using namespace spillway::data;

std::vector<Sample> samples_of_600_bytes() {
  std::vector<Sample> samples;
  for (const Sample& sample : prose()) {
    Sample longer = sample;
    if (sample.turns.empty()) {
      while (longer.bytes.size() < 500) longer.bytes += " " + sample.bytes;
    }
    samples.push_back(longer);
  }
  return samples;
}

struct Rate {
  double samples = 0, bytes = 0, changed = 0, seconds = 0;
};

Rate measure(const Operator& op, const std::vector<Sample>& samples, const SamplePool& pool,
             double seconds) {
  Rate rate;
  const double start = spillway::bench::thread_seconds();
  for (std::uint64_t i = 0; rate.seconds < seconds; ++i) {
    for (const Sample& sample : samples) {
      const auto mutant = op.apply(sample, RandomKey(i), pool);
      rate.samples += 1;
      rate.bytes += static_cast<double>(sample.bytes.size());
      rate.changed += mutant.has_value();
    }
    rate.seconds = spillway::bench::thread_seconds() - start;
  }
  return rate;
}

}  // namespace

int main() {
  std::vector<Sample> samples = samples_of_600_bytes();
  const MemoryPool pool(samples);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i].id = 1000 + i;
  for (const auto& op : operators()) {
    std::vector<Sample> fit;  // samples that the operator can change
    for (const Sample& sample : samples) {
      bool changes = false;
      for (std::uint64_t draw = 0; draw < 8 && !changes; ++draw) {
        changes = op->apply(sample, RandomKey(draw), pool).has_value();
      }
      if (changes) fit.push_back(sample);
    }
    measure(*op, fit, pool, 0.1);
    const Rate rate = measure(*op, fit, pool, 0.3);
    std::printf(
        "{\"bench\": \"mutate\", \"operator\": \"%s\", \"samples_per_second\": %.0f, "
        "\"megabytes_per_second\": %.1f, \"changed\": %.3f}\n",
        std::string(op->name()).c_str(), rate.samples / rate.seconds,
        rate.bytes / rate.seconds / 1e6, rate.changed / rate.samples);
  }
}
