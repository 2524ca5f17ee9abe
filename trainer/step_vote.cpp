#include "trainer/step_vote.hpp"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

constexpr std::size_t kScalars = 17;  ///< numbers before the two lists

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
  visit(report.pipeline_bytes);
  visit(report.error_squared_norm);
  visit(report.peak_activations);
}

}  // namespace

StepVote::StepVote(comm::Communicator& world, std::int64_t microbatches, std::int64_t parameters)
    : world_(world),
      microbatches_(static_cast<std::size_t>(microbatches)),
      parameters_(static_cast<std::size_t>(parameters)) {
  const auto row =
      static_cast<std::int64_t>((kScalars + microbatches_ + parameters_) * sizeof(double));
  mine_ = at::zeros({row}, at::kByte);
  all_ = at::zeros({row * world.size()}, at::kByte);
}

std::vector<RankReport> StepVote::exchange(const RankReport& mine) {
  if (mine.loss_sums.size() != microbatches_ || mine.squared_norms.size() > parameters_) {
    fail("a step report with " + std::to_string(mine.loss_sums.size()) + " losses and " +
         std::to_string(mine.squared_norms.size()) + " norms; room for " +
         std::to_string(microbatches_) + " and " + std::to_string(parameters_));
  }
  std::vector<double> row;
  row.reserve(kScalars + microbatches_ + parameters_);
  for_each_scalar(mine, [&](auto value) { row.push_back(static_cast<double>(value)); });
  row.resize(kScalars - 1);
  row.push_back(static_cast<double>(mine.squared_norms.size()));
  row.insert(row.end(), mine.loss_sums.begin(), mine.loss_sums.end());
  row.insert(row.end(), mine.squared_norms.begin(), mine.squared_norms.end());
  std::memcpy(mine_.mutable_data_ptr<std::uint8_t>(), row.data(), row.size() * sizeof(double));
  world_.all_gather(all_, mine_).wait();

  std::vector<RankReport> reports(static_cast<std::size_t>(world_.size()));
  const std::size_t row_numbers = kScalars + microbatches_ + parameters_;
  std::vector<double> numbers(row_numbers);
  for (std::size_t rank = 0; rank < reports.size(); ++rank) {
    std::memcpy(numbers.data(),
                all_.const_data_ptr<std::uint8_t>() + rank * row_numbers * sizeof(double),
                row_numbers * sizeof(double));
    RankReport& report = reports[rank];
    std::size_t at = 0;
    for_each_scalar(report, [&](auto& value) {
      value = static_cast<std::remove_reference_t<decltype(value)>>(numbers[at++]);
    });
    const auto* losses = numbers.data() + kScalars;
    report.loss_sums.assign(losses, losses + microbatches_);
    const auto* norms = losses + microbatches_;
    report.squared_norms.assign(norms, norms + static_cast<std::size_t>(numbers[kScalars - 1]));
  }
  return reports;
}

}  // namespace spillway::trainer
