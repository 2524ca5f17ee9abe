#include "data/corpus/manifest.hpp"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "configs/error.hpp"
#include "data/corpus/checksum.hpp"
#include "data/corpus/mapped_file.hpp"

namespace spillway::data {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ShardEntry, file, first_id, samples, bytes, file_hash, root)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Manifest, name, root, parent, parent_root, samples, bytes,
                                   base_count, seed, tool_version, categories, languages, operators,
                                   options, shards)

namespace {

constexpr const char* kFormat = "spillway corpus 1";

/// The text of the file: the fields and a checksum over their text.
std::string to_text(nlohmann::json fields) {
  fields.erase("checksum");
  fields["checksum"] = to_hex(checksum(fields.dump()));
  return fields.dump(2) + "\n";
}

[[noreturn]] void fail_missing(const std::filesystem::path& dir) {
  std::error_code ignored;
  const std::filesystem::path unfinished = dir.string() + ".tmp";
  if (!std::filesystem::is_directory(dir, ignored)) {
    fail_input("corpus " + dir.string() + ": no such folder" +
               (std::filesystem::exists(unfinished, ignored)
                    ? "; " + unfinished.string() + " is an unfinished build"
                    : ""));
  }
  fail_input("corpus " + dir.string() + ": no " + kManifestFile +
             ", so it is not a finished corpus");
}

}  // namespace

Manifest read_manifest(const std::filesystem::path& dir) {
  const std::filesystem::path path = dir / kManifestFile;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail_missing(dir);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  try {
    const nlohmann::json fields = nlohmann::json::parse(text);
    if (fields.at("format") != kFormat) {
      fail_input(path.string() + ": format " + fields.at("format").dump() +
                 "; this program reads \"" + kFormat + "\"");
    }
    if (to_text(fields) != text)
      fail_input(path.string() + ": checksum does not match; the file was changed");
    return fields.get<Manifest>();
  } catch (const nlohmann::json::exception& error) {
    fail_input(path.string() + ": damaged (" + error.what() + ")");
  }
}

void write_manifest(const std::filesystem::path& dir, const Manifest& manifest) {
  nlohmann::json fields = manifest;
  fields["format"] = kFormat;
  const std::filesystem::path path = dir / kManifestFile, unfinished = path.string() + ".tmp";
  std::ofstream stream(unfinished, std::ios::binary);
  stream << to_text(fields);
  stream.close();
  if (!stream) fail(unfinished.string() + ": cannot be written; is the disk full?");
  sync_to_disk(unfinished);
  std::filesystem::rename(unfinished, path);
  sync_to_disk(dir);
}

}  // namespace spillway::data
