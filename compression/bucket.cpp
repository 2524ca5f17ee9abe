#include "compression/bucket.hpp"

#include <c10/util/Exception.h>
#include <c10/util/accumulate.h>

#include <utility>

namespace spillway::compression {
namespace {

/// Checks that the gradients lie in `flat` one after the other and fill it.
void check_layout(const at::Tensor& flat, const std::vector<NamedGradient>& gradients) {
  TORCH_CHECK(flat.dim() == 1 && flat.scalar_type() == at::kFloat && flat.is_contiguous(),
              "bucket: the flat buffer must be float32, 1-D and contiguous");
  const auto* begin = flat.const_data_ptr<float>();
  std::int64_t offset = 0;
  for (const auto& [name, gradient] : gradients) {
    TORCH_CHECK(gradient.scalar_type() == at::kFloat && gradient.is_contiguous(),
                "bucket: gradient of ", name, " must be float32 and contiguous");
    TORCH_CHECK(gradient.numel() == 0 || gradient.const_data_ptr<float>() == begin + offset,
                "bucket: gradient of ", name, " must begin at element ", offset,
                " of the flat buffer");
    offset += gradient.numel();
  }
  TORCH_CHECK(offset == flat.numel(), "bucket: gradients have ", offset,
              " elements, the flat buffer has ", flat.numel());
}

/// Entries [first, last) of each bucket; the last entries come first.
std::vector<std::pair<std::size_t, std::size_t>> cut(const std::vector<std::int64_t>& numels,
                                                     double bucket_mib) {
  TORCH_CHECK(bucket_mib > 0, "bucket: size is ", bucket_mib, " MiB; valid: > 0");
  const double limit = bucket_mib * 1024 * 1024 / sizeof(float);
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (std::size_t last = numels.size(); last > 0;) {
    std::size_t first = last - 1;
    std::int64_t numel = numels[first];
    while (first > 0 && static_cast<double>(numel + numels[first - 1]) <= limit)
      numel += numels[--first];
    ranges.emplace_back(first, last);
    last = first;
  }
  return ranges;
}

}  // namespace

void check_layout(const Bucket& bucket) { check_layout(bucket.flat, bucket.entries); }

std::vector<Bucket> make_buckets(const at::Tensor& flat,
                                 const std::vector<NamedGradient>& gradients, double bucket_mib) {
  check_layout(flat, gradients);
  std::vector<std::int64_t> numels;
  numels.reserve(gradients.size());
  for (const NamedGradient& entry : gradients) numels.push_back(entry.gradient.numel());
  std::vector<Bucket> buckets;
  std::int64_t end = flat.numel();
  for (const auto& [first, last] : cut(numels, bucket_mib)) {
    Bucket& bucket = buckets.emplace_back();
    bucket.entries = {gradients.begin() + static_cast<std::ptrdiff_t>(first),
                      gradients.begin() + static_cast<std::ptrdiff_t>(last)};
    std::int64_t numel = 0;
    for (const NamedGradient& entry : bucket.entries) numel += entry.gradient.numel();
    end -= numel;
    bucket.flat = flat.narrow(0, end, numel);
  }
  return buckets;
}

std::vector<std::vector<ParameterShape>> make_buckets(const std::vector<ParameterShape>& parameters,
                                                      double bucket_mib) {
  std::vector<std::int64_t> numels;
  numels.reserve(parameters.size());
  for (const auto& [name, shape] : parameters) numels.push_back(c10::multiply_integers(shape));
  std::vector<std::vector<ParameterShape>> buckets;
  for (const auto& [first, last] : cut(numels, bucket_mib)) {
    buckets.emplace_back(parameters.begin() + static_cast<std::ptrdiff_t>(first),
                         parameters.begin() + static_cast<std::ptrdiff_t>(last));
  }
  return buckets;
}

}  // namespace spillway::compression
