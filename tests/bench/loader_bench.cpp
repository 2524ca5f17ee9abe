// Loader against its bounds: plain H5Dread of single samples, memcpy, and the cost of an order.
// usage: loader_bench [FOLDER [SAMPLES]]; makes FOLDER/corpus when it is not there; prints one JSON
// line of medians over 5 interleaved rounds. One thread, thread CPU time (other processes do not
// count), warm page cache. loader_peers.py reads the same corpus with PyTorch.
#include <hdf5.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "data/corpus/corpus_writer.hpp"
#include "data/loader.hpp"
#include "tests/bench/thread_seconds.hpp"

namespace {

using namespace spillway::data;

/// Nine samples of ten have 64 to 575 bytes, the tenth 4096 to 5119: the mix of short and long
/// documents of the notes on data.
void make_corpus(const std::filesystem::path& dir, std::uint64_t samples) {
  CorpusWriter writer({.out = dir});
  for (std::uint64_t i = 0; i < samples; ++i) {
    RandomKey key = RandomKey(1).split(i);
    Sample sample;
    sample.bytes.resize(key.below(10) == 0 ? 4096 + key.below(1024) : 64 + key.below(512));
    for (char& byte : sample.bytes) byte = static_cast<char>('a' + key.below(26));
    sample.origin = std::to_string(i);
    writer.append(std::move(sample));
  }
  writer.seal();
}

/// Tokens a second of groups all over the corpus, each sample's checksum verified.
double packed_rate(const CorpusReader& corpus, std::uint64_t salt) {
  const Packer packer(corpus, {.sequence_length = 512, .seed = salt, .operators = {}});
  std::vector<std::int32_t> tokens(512), targets(512);
  const double start = spillway::bench::thread_seconds();
  std::int64_t count = 0;
  for (std::uint64_t g = 0; g < packer.groups_per_epoch(); ++g) {
    PackedGroup group = packer.group(g);
    for (std::int64_t s = 0; s < group.sequences(); ++s) {
      group.fill(s, tokens, targets);
      count += group.target_tokens(s);
    }
  }
  return static_cast<double>(count) / (spillway::bench::thread_seconds() - start);
}

/// Samples a second through view(), each checked, in a random order.
double view_rate(const CorpusReader& corpus, std::uint64_t salt) {
  const Permutation order(corpus.size(), RandomKey(salt));
  const double start = spillway::bench::thread_seconds();
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < corpus.size(); ++i) bytes += corpus.view(order(i)).bytes.size();
  if (bytes != corpus.manifest().bytes) std::cerr << "loader_bench: bytes are missing\n";
  return static_cast<double>(corpus.size()) / (spillway::bench::thread_seconds() - start);
}

/// Samples a second of the first shard through H5Dread of one hyperslab each, in a random order.
double h5dread_rate(const CorpusReader& corpus, std::uint64_t salt) {
  const hid_t file = H5Fopen(corpus.shards()[0].path().c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t dataset = H5Dopen2(file, "data/bytes", H5P_DEFAULT), space = H5Dget_space(dataset);
  const std::uint64_t samples = std::min<std::uint64_t>(corpus.shards()[0].size(), 20000);
  std::vector<hsize_t> begins{0};
  for (std::uint64_t id = 0; id < samples; ++id)
    begins.push_back(begins.back() + corpus.view(id).bytes.size());
  std::vector<char> buffer(1 << 16);
  const Permutation order(samples, RandomKey(salt));
  const double start = spillway::bench::thread_seconds();
  for (std::uint64_t i = 0; i < samples; ++i) {
    const std::uint64_t id = order(i);
    const hsize_t begin = begins[id], count = begins[id + 1] - begin;
    const hid_t memory = H5Screate_simple(1, &count, nullptr);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, &begin, nullptr, &count, nullptr);
    H5Dread(dataset, H5T_NATIVE_UINT8, memory, space, H5P_DEFAULT, buffer.data());
    H5Sclose(memory);
  }
  const double seconds = spillway::bench::thread_seconds() - start;
  H5Sclose(space);
  H5Dclose(dataset);
  H5Fclose(file);
  return static_cast<double>(samples) / seconds;
}

/// Bytes a second that memcpy moves of the corpus' size.
double memcpy_rate(std::size_t bytes) {
  static std::vector<char> from(bytes, 1), to(bytes, 2);
  const double start = spillway::bench::thread_seconds();
  std::memcpy(to.data(), from.data(), bytes);
  asm volatile("" : : "r"(to.data()) : "memory");
  return static_cast<double>(bytes) / (spillway::bench::thread_seconds() - start);
}

double nanoseconds_per_position(std::uint64_t n, std::uint64_t salt) {
  const Permutation order(n, RandomKey(salt));
  const double start = spillway::bench::thread_seconds();
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < 1000000; ++i) sum += order(i);
  asm volatile("" : : "r"(sum));
  return (spillway::bench::thread_seconds() - start) * 1e3;
}

/// Milliseconds from nothing to the first batch, far into a run.
double resume_milliseconds(const std::filesystem::path& dir) {
  const auto start = std::chrono::steady_clock::now();
  Loader loader(
      {.corpus = dir, .sequence_length = 512, .sequences_per_step = 32, .first = 0, .count = 32},
      std::int64_t{1} << 50);
  loader.next();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path folder =
      argc > 1 ? argv[1] : std::filesystem::temp_directory_path() / "spillway-loader-bench";
  const std::filesystem::path dir = folder / "corpus";
  if (!std::filesystem::exists(dir)) make_corpus(dir, argc > 2 ? std::stoull(argv[2]) : 200000);
  const CorpusReader corpus(dir);
  std::vector<double> packed, views, hdf5, copies, small_order, large_order, resumes;
  for (std::uint64_t round = 0; round < 5; ++round) {
    views.push_back(view_rate(corpus, round));
    packed.push_back(packed_rate(corpus, round));
    hdf5.push_back(h5dread_rate(corpus, round));
    copies.push_back(memcpy_rate(corpus.manifest().bytes));
    small_order.push_back(nanoseconds_per_position(3000000, round));
    large_order.push_back(nanoseconds_per_position(100000000, round));
    resumes.push_back(resume_milliseconds(dir));
  }
  const double output_bytes = 8 * median(packed);  // a token and its target, 4 bytes each
  const nlohmann::json line{{"bench", "loader"},
                            {"samples", corpus.size()},
                            {"corpus_bytes", corpus.manifest().bytes},
                            {"packed_tokens_per_second", median(packed)},
                            {"packed_output_share_of_memcpy", output_bytes / median(copies)},
                            {"view_samples_per_second", median(views)},
                            {"h5dread_samples_per_second", median(hdf5)},
                            {"view_over_h5dread", median(views) / median(hdf5)},
                            {"memcpy_bytes_per_second", median(copies)},
                            {"order_3m_nanoseconds", median(small_order)},
                            {"order_100m_nanoseconds", median(large_order)},
                            {"resume_milliseconds", median(resumes)}};
  std::cout << line.dump() << "\n";
  return 0;
}
