#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

namespace spillway::trainer {

using NamedTensors = std::map<std::string, at::Tensor>;

/// The safetensors format (https://github.com/huggingface/safetensors, README, "Format"): a
/// little-endian u64 length, that many bytes of JSON (per tensor: dtype, shape, byte range),
/// then the raw little-endian bytes, without holes.
///
/// Writes float32, bfloat16 or float16 tensors, in the order of their names, and syncs the file.
/// Throws Error(fault) if it cannot be written.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// Copies of all tensors of a file, on the CPU, in the type they are stored in. Throws
/// Error(input), naming file and tensor, if the file is cut off, not of this format, or of another
/// type.
NamedTensors read_safetensors(const std::filesystem::path& path);

}  // namespace spillway::trainer
