#include "compression/bucket.hpp"

#include <c10/util/Exception.h>

#include <algorithm>

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

}  // namespace

void check_layout(const Bucket& bucket) { check_layout(bucket.flat, bucket.entries); }

std::vector<Bucket> make_buckets(const at::Tensor& flat,
                                 const std::vector<NamedGradient>& gradients, double bucket_mib) {
  TORCH_CHECK(bucket_mib > 0, "bucket: size is ", bucket_mib, " MiB; valid: > 0");
  check_layout(flat, gradients);
  const double limit = bucket_mib * 1024 * 1024 / sizeof(float);
  std::vector<Bucket> buckets;
  std::int64_t end = flat.numel();
  for (std::size_t last = gradients.size(); last > 0;) {
    std::int64_t numel = 0;
    std::size_t first = last;
    while (first > 0) {
      const std::int64_t grown = numel + gradients[first - 1].gradient.numel();
      if (first<last&& static_cast<double>(grown)> limit) break;
      numel = grown;
      --first;
    }
    Bucket bucket{flat.narrow(0, end - numel, numel), {}};
    bucket.entries.assign(gradients.begin() + static_cast<std::ptrdiff_t>(first),
                          gradients.begin() + static_cast<std::ptrdiff_t>(last));
    buckets.push_back(std::move(bucket));
    end -= numel;
    last = first;
  }
  return buckets;
}

}  // namespace spillway::compression
