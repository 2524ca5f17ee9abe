#pragma once

#include <cstddef>
#include <cstdint>

namespace spillway::compression {

// Sign codes of 2 bits: minus, zero, plus. signSGD with a scale, Karimireddy et al. 2019,
// arXiv:1901.09847, section 4: a group is sent as s sign(x) with s = ||x||_1 / count. The count is
// of the elements that are not zero, which come out as zero: this s is the nearest in the 2-norm
// for any share of zeros (rows of an embedding that no token used), and it keeps at least
// 1 / count of a group's squares.
//
// A scale for 8192 elements costs 0.2 % of the payload and follows the lengths of rows and layers
// in one flat array, which one scale for a whole array would not.
//
// Payload: one float for each group, then the codes: byte j of a group of m elements holds the
// elements j, j + c, j + 2 c, j + 3 c with c = ceil(m / 4), from the low bits up; filled up with
// zeros to a multiple of 4 bytes. It must start at a multiple of 4. The bits are the same on every
// machine.
//
// A group that holds an infinity or a nan has the scale nan and comes out as nans.

/// Elements that share a scale; the last group of an array may be shorter.
inline constexpr std::int64_t kSignGroup = 8192;

/// Bytes of the payload of n elements.
std::int64_t sign_bytes(std::int64_t n);

/// Writes the payload of values [n].
void pack_signs(const float* values, std::int64_t n, std::byte* payload);

/// values = what the payload stands for.
void unpack_signs(const std::byte* payload, std::int64_t n, float* values);

/// values += what the payload stands for.
void unpack_signs_add(const std::byte* payload, std::int64_t n, float* values);

}  // namespace spillway::compression
