#include "trainer/step_vote.hpp"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

constexpr std::size_t kScalars = 19;  ///< numbers before the three lists

/// Visits the scalars of a report in the order in which they travel.
template <class Report, class Visitor>
void for_each_scalar(Report& report, Visitor&& visit) {
  visit(report.bad_parameter);
  visit(report.loss_finite);
  visit(report.stop_requested);
  visit(report.data_wait_seconds);
  visit(report.busy_seconds);
  visit(report.pipeline_start);
  visit(report.pipeline_seconds);
  visit(report.exchange_wait_seconds);
  visit(report.compress_seconds);
  visit(report.wire_seconds);
  visit(report.decompress_seconds);
  visit(report.dense_bytes);
  visit(report.sent_bytes);
  visit(report.wire_bytes);
  visit(report.pipeline_bytes);
  visit(report.error_squared_norm);
  visit(report.peak_activations);
}

}  // namespace

StepVote::StepVote(comm::Communicator& world, std::int64_t microbatches, std::int64_t parameters)
    : world_(world),
      microbatches_(static_cast<std::size_t>(microbatches)),
      parameters_(static_cast<std::size_t>(parameters)),
      numbers_(kScalars + microbatches_ + 3 * parameters_) {
  const auto row = static_cast<std::int64_t>(numbers_ * sizeof(double));
  mine_ = at::zeros({row}, at::kByte);
  all_ = at::zeros({row * world.size()}, at::kByte);
}

std::vector<RankReport> StepVote::exchange(const RankReport& mine) {
  if (mine.loss_sums.size() != microbatches_ || mine.squared_norms.size() > parameters_ ||
      mine.approximation_ranks.size() > parameters_) {
    fail("a step report with " + std::to_string(mine.loss_sums.size()) + " losses, " +
         std::to_string(mine.squared_norms.size()) + " norms and " +
         std::to_string(mine.approximation_ranks.size()) + " ranks; room for " +
         std::to_string(microbatches_) + " and " + std::to_string(parameters_));
  }
  std::vector<double> row;
  row.reserve(numbers_);
  for_each_scalar(mine, [&](auto value) { row.push_back(static_cast<double>(value)); });
  row.resize(kScalars - 2);
  row.push_back(static_cast<double>(mine.squared_norms.size()));
  row.push_back(static_cast<double>(mine.approximation_ranks.size()));
  row.insert(row.end(), mine.loss_sums.begin(), mine.loss_sums.end());
  row.insert(row.end(), mine.squared_norms.begin(), mine.squared_norms.end());
  for (const auto& [parameter, rank] : mine.approximation_ranks) {
    row.push_back(static_cast<double>(parameter));
    row.push_back(static_cast<double>(rank));
  }
  std::memcpy(mine_.mutable_data_ptr<std::uint8_t>(), row.data(), row.size() * sizeof(double));
  world_.all_gather(all_, mine_).wait();

  std::vector<RankReport> reports;
  std::vector<double> numbers(numbers_);
  for (int rank = 0; rank < world_.size(); ++rank) {
    std::memcpy(numbers.data(),
                all_.const_data_ptr<std::uint8_t>() +
                    static_cast<std::size_t>(rank) * numbers_ * sizeof(double),
                numbers_ * sizeof(double));
    reports.push_back(read(numbers));
  }
  return reports;
}

RankReport StepVote::read(const std::vector<double>& numbers) const {
  RankReport report;
  const double* next = numbers.data();
  for_each_scalar(report, [&](auto& value) {
    value = static_cast<std::remove_reference_t<decltype(value)>>(*next++);
  });
  const auto norms = static_cast<std::size_t>(numbers[kScalars - 2]);
  const auto ranks = static_cast<std::size_t>(numbers[kScalars - 1]);
  next = numbers.data() + kScalars;
  report.loss_sums.assign(next, next + microbatches_);
  next += microbatches_;
  report.squared_norms.assign(next, next + norms);
  next += norms;
  for (std::size_t i = 0; i < ranks; ++i, next += 2) {
    report.approximation_ranks.push_back(
        {static_cast<std::int64_t>(next[0]), static_cast<std::int64_t>(next[1])});
  }
  return report;
}

}  // namespace spillway::trainer
