#include "trainer/checkpoint/compare.hpp"

#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <ATen/ops/ne.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/sub.h>

#include <cstring>
#include <set>
#include <sstream>

namespace spillway::trainer {
namespace {

bool counts(const std::string& name) {
  return name.starts_with("model/") || name.starts_with("optimizer/");
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.nbytes() == 0 || std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

std::string kind(const TensorRecord& record) {
  std::ostringstream text;
  text << record.dtype << " " << at::IntArrayRef(record.shape);
  return text.str();
}

/// Positions of the elements whose bits differ, ascending.
at::Tensor different_positions(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor bits_a = a.reshape({-1}).view(at::kByte).reshape({a.numel(), -1});
  const at::Tensor bits_b = b.reshape({-1}).view(at::kByte).reshape({b.numel(), -1});
  return bits_a.ne(bits_b).any(1).nonzero().reshape({-1});
}

std::string describe(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor positions = different_positions(a, b);
  const std::int64_t first = positions[0].item<std::int64_t>();
  const at::Tensor x = a.reshape({-1}).to(at::kDouble), y = b.reshape({-1}).to(at::kDouble);
  const double largest = at::abs(at::sub(x, y)).index_select(0, positions).max().item<double>();
  std::ostringstream text;
  text.precision(9);
  text << positions.numel() << " of " << a.numel() << " elements differ by up to " << largest
       << ", first at " << first << ": " << x[first].item<double>() << " and "
       << y[first].item<double>();
  return text.str();
}

/// How a tensor differs; empty when it does not.
std::string difference(const Checkpoint& a, const Checkpoint& b, const std::string& name) {
  if (!a.contains(name)) return "only in the second";
  if (!b.contains(name)) return "only in the first";
  const std::string kind_a = kind(a.record(name)), kind_b = kind(b.record(name));
  if (kind_a != kind_b) return kind_a + " and " + kind_b;
  const at::Tensor x = a.read(name), y = b.read(name);
  return same_bits(x, y) ? "" : describe(x, y);
}

}  // namespace

Comparison compare(const Checkpoint& a, const Checkpoint& b) {
  std::set<std::string> names;
  for (const std::string& name : a.names()) names.insert(name);
  for (const std::string& name : b.names()) names.insert(name);
  Comparison result;
  for (const std::string& name : names) {
    std::string what = difference(a, b, name);
    if (counts(name)) {
      ++result.compared;
      if (!what.empty()) result.differences.push_back({name, std::move(what)});
    } else {
      ++result.others;
      if (!what.empty()) ++result.others_different;
    }
  }
  return result;
}

}  // namespace spillway::trainer
