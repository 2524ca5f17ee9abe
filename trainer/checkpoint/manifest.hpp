#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace spillway::trainer {

inline constexpr const char* kManifestName = "manifest.json";

/// One shard file of a checkpoint.
struct FileRecord {
  std::string name;  ///< inside the checkpoint's folder: "rank-0.h5"
  std::uint64_t bytes = 0;
  std::string xxh3;  ///< of the whole file
};

/// One tensor: what it is and where its bytes (row-major, little-endian) lie.
struct TensorRecord {
  std::string file;
  std::string dtype;  ///< "float32", "bfloat16", ...
  std::vector<std::int64_t> shape;
  std::uint64_t offset = 0;  ///< from the start of the file
  std::uint64_t bytes = 0;
  std::string xxh3;
};

/// What a checkpoint consists of. The text form is JSON {"checksum": of the rest, "manifest":
/// {...}}; object keys are sorted, so equal manifests have equal texts.
struct Manifest {
  std::int64_t step = 0;
  std::vector<FileRecord> files;
  std::map<std::string, TensorRecord> tensors;
  nlohmann::json metadata = nlohmann::json::object();
};

std::string to_text(const Manifest& manifest);
/// Throws Error(input) saying what is wrong with the text.
Manifest parse_manifest(const std::string& text);
/// Of a checkpoint's folder. Throws Error(input) naming the file when it is missing, torn or
/// damaged.
Manifest read_manifest(const std::filesystem::path& checkpoint);

void to_json(nlohmann::json& json, const FileRecord& record);
void from_json(const nlohmann::json& json, FileRecord& record);
void to_json(nlohmann::json& json, const TensorRecord& record);
void from_json(const nlohmann::json& json, TensorRecord& record);

}  // namespace spillway::trainer
