#include "trainer/checkpoint/manifest.hpp"

#include "configs/error.hpp"
#include "trainer/checkpoint/checksum.hpp"
#include "trainer/checkpoint/durable_file.hpp"

namespace spillway::trainer {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "spillway-checkpoint";
constexpr int kVersion = 1;

json parse_json(const std::string& text) {
  json whole = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (whole.is_discarded()) {
    fail_input("not JSON (" + std::to_string(text.size()) + " bytes; torn or overwritten)");
  }
  return whole;
}

Manifest from_content(const json& content) {
  if (content.at("format") != kFormat) fail_input("format is not " + std::string(kFormat));
  if (content.at("version") != kVersion) {
    fail_input("format version " + content.at("version").dump() +
               " is not known here; valid: " + std::to_string(kVersion));
  }
  return {.step = content.at("step").get<std::int64_t>(),
          .files = content.at("files").get<std::vector<FileRecord>>(),
          .tensors = content.at("tensors").get<std::map<std::string, TensorRecord>>(),
          .metadata = content.at("metadata")};
}

}  // namespace

void to_json(json& out, const FileRecord& record) {
  out = {{"name", record.name}, {"bytes", record.bytes}, {"xxh3", record.xxh3}};
}

void from_json(const json& in, FileRecord& record) {
  record = {.name = in.at("name"), .bytes = in.at("bytes"), .xxh3 = in.at("xxh3")};
}

void to_json(json& out, const TensorRecord& record) {
  out = {{"file", record.file},     {"dtype", record.dtype}, {"shape", record.shape},
         {"offset", record.offset}, {"bytes", record.bytes}, {"xxh3", record.xxh3}};
}

void from_json(const json& in, TensorRecord& record) {
  record = {.file = in.at("file"),
            .dtype = in.at("dtype"),
            .shape = in.at("shape").get<std::vector<std::int64_t>>(),
            .offset = in.at("offset"),
            .bytes = in.at("bytes"),
            .xxh3 = in.at("xxh3")};
}

std::string to_text(const Manifest& manifest) {
  const json content = {{"format", kFormat},           {"version", kVersion},
                        {"step", manifest.step},       {"files", manifest.files},
                        {"tensors", manifest.tensors}, {"metadata", manifest.metadata}};
  const json whole = {{"checksum", checksum(content.dump())}, {"manifest", content}};
  return whole.dump(1) + "\n";
}

Manifest parse_manifest(const std::string& text) {
  const json whole = parse_json(text);
  try {
    const json& content = whole.at("manifest");
    const std::string found = checksum(content.dump());
    const auto written = whole.at("checksum").get<std::string>();
    if (found != written) {
      fail_input("checksum is " + found + ", written as " + written);
    }
    return from_content(content);
  } catch (const json::exception& error) {
    fail_input(std::string("not a checkpoint manifest (") + error.what() + ")");
  }
}

Manifest read_manifest(const std::filesystem::path& checkpoint) {
  const std::filesystem::path path = checkpoint / kManifestName;
  if (!std::filesystem::exists(path)) fail_input(path.string() + ": missing");
  const std::string text = read_text(path);
  try {
    return parse_manifest(text);
  } catch (const Error& error) {
    fail_input(path.string() + ": " + error.what());
  }
}

}  // namespace spillway::trainer
