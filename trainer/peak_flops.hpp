#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace spillway::trainer {

/// Peak FLOP/s of one rank's device, the denominator of MFU. `setting` is run.peak_flops:
///   a number      taken as it is,
///   "measure"     the best of several square GEMMs in `dtype` on `device` (about 0.1 s),
///   a GPU's name  ("H100", "A100", ...): the vendor's dense bf16 figure.
/// Throws Error(input) naming the table's entries for anything else.
double peak_flops(const std::string& setting, at::Device device, at::ScalarType dtype);

}  // namespace spillway::trainer
