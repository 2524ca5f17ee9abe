// `spillway compress replay`: runs a method over gradients from a file, all replicas in this
// process.
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>

#include "compression/method_exchange.hpp"
#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "data/corpus/hdf5_handle.hpp"
#include "parallel/comm/thread_communicator.hpp"
#include "trainer/commands/command.hpp"

namespace spillway::trainer {
namespace {

using compression::Bucket;
using compression::NamedGradient;
using compression::ParameterShape;

/// Gradients of a file: step/<s>/rank/<w>/<parameter>, float32.
class GradientFile {
 public:
  explicit GradientFile(const std::filesystem::path& path)
      : file_(data::Hdf5File::open(path)), steps_(numbers("step")) {
    const std::vector<std::int64_t> ranks = numbers(rank_group(steps_[0]));
    replicas_ = static_cast<int>(ranks.size());
    if (ranks.back() != replicas_ - 1) {
      complain(rank_group(steps_[0]) + " has " + std::to_string(replicas_) + " ranks up to " +
               std::to_string(ranks.back()) + "; valid: 0, 1, ... without gaps");
    }
    for (const std::string& name : parameter_names())
      parameters_.push_back({name, shape_of(dataset(steps_[0], 0, name))});
  }

  const std::vector<std::int64_t>& steps() const { return steps_; }
  int replicas() const { return replicas_; }
  const std::vector<ParameterShape>& parameters() const { return parameters_; }

  /// Throws Error(input) unless the step has the ranks of the first one, with as many parameters.
  void check_ranks(std::int64_t step) const {
    const std::vector<std::int64_t> ranks = numbers(rank_group(step));
    if (static_cast<int>(ranks.size()) != replicas_ || ranks.back() != replicas_ - 1) {
      complain(rank_group(step) + " has " + std::to_string(ranks.size()) +
               " ranks, the first step " + std::to_string(replicas_));
    }
    for (int rank = 0; rank < replicas_; ++rank) {
      const std::string group = rank_group(step) + "/" + std::to_string(rank);
      const std::size_t count = members(group).size();
      if (count == parameters_.size()) continue;
      complain(group + " has " + std::to_string(count) + " parameters, the first step on rank 0 " +
               std::to_string(parameters_.size()));
    }
  }

  void read(std::int64_t step, int rank, const ParameterShape& parameter,
            const at::Tensor& out) const {
    const std::string name = dataset(step, rank, parameter.name);
    if (shape_of(name) != parameter.shape)
      complain(name + " has another shape than at the first step on rank 0");
    file_.read_into(
        name, std::span(out.mutable_data_ptr<float>(), static_cast<std::size_t>(out.numel())));
  }

 private:
  [[noreturn]] void complain(const std::string& what) const {
    fail_input(file_.path().string() + ": " + what);
  }
  static std::string rank_group(std::int64_t step) {
    return "step/" + std::to_string(step) + "/rank";
  }
  static std::string dataset(std::int64_t step, int rank, const std::string& name) {
    return rank_group(step) + "/" + std::to_string(rank) + "/" + name;
  }

  /// Names in a group. A file that is no gradient file is bad input, not a fault.
  std::vector<std::string> members(const std::string& group) const {
    try {
      return file_.children(group);
    } catch (const Error&) {
      complain(group + " is not a group");
    }
  }

  data::DatasetInfo describe(const std::string& name) const {
    try {
      return file_.describe(name);
    } catch (const Error&) {
      complain(name + " is not a dataset of float32");
    }
  }

  /// Members of a group, which are numbers >= 0, ascending; at least one.
  std::vector<std::int64_t> numbers(const std::string& group) const {
    if (!file_.exists(group))
      complain("no group " + group + "; valid: datasets step/<s>/rank/<w>/<parameter>");
    std::vector<std::int64_t> values;
    for (const std::string& name : members(group)) {
      std::int64_t value = -1;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
      if (error != std::errc() || end != name.data() + name.size() || value < 0 ||
          std::to_string(value) != name) {
        complain(std::string(group).append("/").append(name).append(" is not a whole number >= 0"));
      }
      values.push_back(value);
    }
    if (values.empty()) complain("group " + group + " is empty");
    std::sort(values.begin(), values.end());
    return values;
  }

  /// In registration order: that of attribute `parameters` (names, one a line) of the file, else
  /// sorted.
  std::vector<std::string> parameter_names() const {
    const std::string group = rank_group(steps_[0]) + "/0";
    std::vector<std::string> names = members(group);
    if (names.empty()) complain("group " + group + " is empty");
    if (!file_.has_attribute("/", "parameters")) return names;
    std::vector<std::string> ordered;
    std::istringstream lines(file_.string_attribute("/", "parameters"));
    for (std::string line; std::getline(lines, line);) ordered.push_back(line);
    if (!std::is_permutation(ordered.begin(), ordered.end(), names.begin(), names.end())) {
      complain("attribute parameters does not list the members of " + group);
    }
    return ordered;
  }

  std::vector<std::int64_t> shape_of(const std::string& name) const {
    if (!file_.exists(name)) complain("no dataset " + name);
    const data::DatasetInfo info = describe(name);
    if (info.type != data::ElementType::float32)
      complain(name + " is " + to_string(info.type) + "; valid: float32");
    return {info.shape.begin(), info.shape.end()};
  }

  data::Hdf5File file_;
  std::vector<std::int64_t> steps_;
  int replicas_ = 0;
  std::vector<ParameterShape> parameters_;
};

/// One replica: its buffer and its exchange.
struct Replica {
  std::unique_ptr<compression::GradientExchange> exchange;
  at::Tensor flat;
  std::vector<NamedGradient> gradients;  // in registration order
  std::vector<Bucket> buckets;
};

/// All replicas of the file, driven by one thread: exchanges run on threads of their own.
class Replay {
 public:
  Replay(const GradientFile& file, const config::Config& config)
      : file_(file), group_(comm::make_thread_group(file.replicas())) {
    for (auto& communicator : group_) {
      Replica& replica = replicas_.emplace_back();
      replica.exchange = std::make_unique<compression::MethodExchange>(
          config.compression, *communicator, file.parameters(),
          static_cast<std::uint64_t>(config.run.seed));
      lay_out(replica);
      replica.buckets =
          compression::make_buckets(replica.flat, replica.gradients, config.compression.bucket_mib);
    }
  }

  void step(std::int64_t number) {
    file_.check_ranks(number);
    mean_ = at::zeros_like(replicas_[0].flat, at::kDouble);
    for (std::size_t w = 0; w < replicas_.size(); ++w) {
      for (std::size_t i = 0; i < file_.parameters().size(); ++i) {
        file_.read(number, static_cast<int>(w), file_.parameters()[i],
                   replicas_[w].gradients[i].gradient);
      }
      mean_ += replicas_[w].flat;
      replicas_[w].exchange->begin_step(number);
    }
    mean_ /= static_cast<double>(replicas_.size());
    std::vector<comm::Work> works;
    for (std::size_t b = 0; b < replicas_[0].buckets.size(); ++b) {
      for (Replica& replica : replicas_)
        works.push_back(replica.exchange->exchange(replica.buckets[b]));
    }
    for (const comm::Work& work : works) work.wait();
    for (Replica& replica : replicas_) replica.exchange->end_step(true);
  }

  void write(std::int64_t number, data::Hdf5File& out) const {
    for (const auto& [name, gradient] : replicas_[0].gradients) {
      write(out, "step/" + std::to_string(number) + "/" + name, gradient);
      write(out, "error/" + std::to_string(number) + "/" + name, mean_error(name, gradient));
    }
  }

  /// Of the last step: L2 distance to the exact mean over its norm.
  double relative_error() const {
    const double norm = mean_.norm().item<double>();
    return norm > 0 ? (replicas_[0].flat.to(at::kDouble) - mean_).norm().item<double>() / norm : 0;
  }

  compression::ExchangeStatistics take_statistics() {
    return replicas_[0].exchange->take_statistics();
  }

 private:
  void lay_out(Replica& replica) const {
    std::int64_t total = 0;
    for (const auto& [name, shape] : file_.parameters()) total += c10::multiply_integers(shape);
    replica.flat = at::empty({total}, at::kFloat);
    std::int64_t offset = 0;
    for (const auto& [name, shape] : file_.parameters()) {
      const std::int64_t numel = c10::multiply_integers(shape);
      replica.gradients.push_back({name, replica.flat.narrow(0, offset, numel).view(shape)});
      offset += numel;
    }
  }

  /// Mean over replicas of what they keep back; zero for a parameter that is sent whole.
  at::Tensor mean_error(const std::string& name, const at::Tensor& like) const {
    at::Tensor sum = at::zeros(like.sizes(), at::kDouble);
    for (const Replica& replica : replicas_) {
      for (const compression::NamedState& state : replica.exchange->state()) {
        if (state.name == name + "/error") sum += state.tensor;
      }
    }
    return (sum / static_cast<double>(replicas_.size())).to(at::kFloat);
  }

  static void write(data::Hdf5File& out, const std::string& name, const at::Tensor& tensor) {
    out.write(name,
              std::span(tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())),
              {tensor.sizes().begin(), tensor.sizes().end()});
  }

  const GradientFile& file_;
  std::vector<std::unique_ptr<comm::Communicator>> group_;
  std::vector<Replica> replicas_;
  at::Tensor mean_;
};

}  // namespace

int run_compress_replay(const std::vector<std::string>& words) {
  const config::Usage usage{
      .command = "compress replay",
      .summary =
          "Runs a compression method over gradients from a file, all replicas in this process. "
          "IN.h5 holds float32 "
          "datasets step/<s>/rank/<w>/<parameter>; OUT.h5 gets step/<s>/<parameter>, what every "
          "replica ends up "
          "with, and error/<s>/<parameter>, the mean error feedback. Parameters are registered in "
          "the order of "
          "the file's attribute `parameters` (one name a line), else sorted by name.",
      .positionals = {"IN.h5", "OUT.h5"},
      .options = {},
      .settings = true,
      .example =
          "spillway compress replay in.h5 out.h5 --compression.method=powersgd --run.seed=0"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const std::filesystem::path from = arguments.positionals()[0], to = arguments.positionals()[1];
  std::error_code ignored;
  if (std::filesystem::equivalent(from, to, ignored)) fail_input(to.string() + ": is the input");
  const config::Config config = config::load(std::nullopt, arguments.overrides());
  const GradientFile file(from);
  Replay replay(file, config);
  const std::filesystem::path unfinished = to.string() + ".tmp";
  data::Hdf5File out = data::Hdf5File::create(unfinished);
  for (const std::int64_t step : file.steps()) {
    replay.step(step);
    replay.write(step, out);
  }
  out.close();
  std::filesystem::rename(unfinished, to);
  const compression::ExchangeStatistics statistics = replay.take_statistics();
  std::cout << file.steps().size() << " steps, " << file.replicas() << " replicas, "
            << file.parameters().size() << " parameters: " << statistics.sent_bytes << " of "
            << statistics.dense_bytes << " bytes sent, relative error of the last step "
            << replay.relative_error() << ", error norm " << statistics.error_norm << "\n";
  return 0;
}

}  // namespace spillway::trainer
