#pragma once

#include <cstdint>
#include <vector>

namespace spillway::trainer {

/// Value below which the share `p` (0..1) of `values` lies, linear between neighbours (numpy's
/// default). At least one value.
double percentile(std::vector<double> values, double p);

struct Interval {
  double low = 0;
  double high = 0;
};

/// 95 % interval of total tokens / total seconds over the steps of a steady window: moving-block
/// bootstrap (Kuensch 1989) with blocks of n^(1/3) steps, because neighbouring step times are
/// correlated; 2000 resamples from a fixed seed, so equal inputs give equal intervals.
Interval throughput_interval(const std::vector<double>& step_tokens,
                             const std::vector<double>& step_seconds);

}  // namespace spillway::trainer
