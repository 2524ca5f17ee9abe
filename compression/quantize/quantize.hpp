#pragma once

#include <cstddef>
#include <cstdint>

namespace spillway::compression {

// Stochastic quantization to 8 or 4 bits. QSGD, Alistarh et al. 2017, arXiv:1610.02132, section 3,
// with the largest magnitude of a group as its scale in place of the 2-norm (as the paper's own
// experiments): an element x of a group with scale s becomes the code floor(|x| L / s) or one more,
// so that its expectation is x; L is 127 or 7. Exact zeros stay zero.
//
// Which way an element goes is a hash of (seed, index): equal on every machine and for every way to
// cut an array at multiples of kQuantizedGroup.
//
// Payload: one float for each group, then the codes: one byte an element, or for 4 bits byte j of a
// group of m elements holds element j in its low half and element j + ceil(m / 2) in its high half;
// filled up with zeros to a multiple of 4 bytes. It must start at a multiple of 4.
//
// A group that holds an infinity or a nan has the scale nan and comes out as nans.
// `bits` other than 8 and 4, and a first index within a group, throw c10::Error.

/// Elements that share a scale; the last group of an array may be shorter.
inline constexpr std::int64_t kQuantizedGroup = 256;

/// Bytes of the payload of n elements.
std::int64_t quantized_bytes(std::int64_t n, int bits);

/// Writes the payload of values [n], which start at the multiple `first_index` of kQuantizedGroup
/// of a longer array (0 for the array itself).
void quantize(const float* values, std::int64_t n, int bits, std::uint64_t seed,
              std::int64_t first_index, std::byte* payload);

/// values = what the payload stands for.
void dequantize(const std::byte* payload, std::int64_t n, int bits, float* values);

/// values += what the payload stands for.
void dequantize_add(const std::byte* payload, std::int64_t n, int bits, float* values);

}  // namespace spillway::compression
