#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "trainer/checkpoint/manifest.hpp"

namespace spillway::trainer {

/// A tensor of any device and layout under a name like "optimizer/h.0.attn.weight/exp_avg"; '/'
/// makes groups in the file. Types: float32, float64, float16, bfloat16, int32, int64, uint8, bool.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

/// What write_shard() wrote.
struct ShardRecord {
  FileRecord file;
  std::map<std::string, TensorRecord> tensors;
};

/// Writes an HDF5 file with one dataset a tensor and syncs it. Types that HDF5 lacks are stored as
/// unsigned integers of the same size (bfloat16 as uint16); the attribute "dtype" of each dataset
/// says what they are. The file is read back for its checksum. Throws Error(fault) naming file and
/// cause (a full disk), Error(input) for a name that is empty, doubled or no path.
ShardRecord write_shard(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors);

/// The bytes of a record as a CPU tensor; its checksum is verified. Throws Error(fault) naming file
/// and tensor.
at::Tensor read_tensor(const std::filesystem::path& checkpoint, const std::string& name,
                       const TensorRecord& record);

/// "bfloat16" of at::kBFloat16; throws Error(input) for a type that no checkpoint holds.
const char* dtype_name(at::ScalarType type);

}  // namespace spillway::trainer
