#include "trainer/checkpoint/checkpoint.hpp"

#include <c10/core/GradMode.h>

#include <optional>
#include <set>
#include <sstream>

#include "configs/error.hpp"
#include "trainer/checkpoint/checksum.hpp"
#include "trainer/checkpoint/shard.hpp"

namespace spillway::trainer {
namespace {

namespace fs = std::filesystem;

/// What is wrong with one file; nothing when it is as recorded.
std::optional<std::string> file_damage(const fs::path& folder, const FileRecord& record,
                                       Scrutiny scrutiny) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(folder / record.name, error);
  if (error) return record.name + ": " + error.message();
  if (bytes != record.bytes) {
    return record.name + ": " + std::to_string(bytes) + " bytes, written as " +
           std::to_string(record.bytes);
  }
  if (scrutiny == Scrutiny::sizes) return std::nullopt;
  const std::string found = file_checksum(folder / record.name);
  if (found == record.xxh3) return std::nullopt;
  return record.name + ": checksum " + found + ", written as " + record.xxh3;
}

/// The manifest, checked against itself and the name of its folder.
Manifest sound_manifest(const fs::path& folder) {
  Manifest manifest = read_manifest(folder);
  std::set<std::string> files;
  for (const FileRecord& file : manifest.files) files.insert(file.name);
  for (const auto& [name, tensor] : manifest.tensors) {
    if (!files.contains(tensor.file)) {
      fail_input(std::string(kManifestName) + ": tensor " + name + " lies in " + tensor.file +
                 ", which is not listed");
    }
  }
  return manifest;
}

/// Damaged tensors of one file, by name.
std::vector<std::string> tensor_damage(const fs::path& folder, const Manifest& manifest,
                                       const std::string& file) {
  std::vector<std::string> damage;
  for (const auto& [name, record] : manifest.tensors) {
    if (record.file != file) continue;
    try {
      read_tensor(folder, name, record);
    } catch (const std::exception&) {
      std::string line = file;
      damage.push_back(line.append(": tensor ").append(name).append(" is damaged"));
    }
  }
  return damage;
}

}  // namespace

Checkpoint::Checkpoint(fs::path folder)
    : path_(std::move(folder)), manifest_(sound_manifest(path_)) {}

std::vector<std::string> Checkpoint::names(const std::string& prefix) const {
  std::vector<std::string> names;
  const auto& tensors = manifest_.tensors;
  for (auto at = tensors.lower_bound(prefix); at != tensors.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    names.push_back(at->first);
  }
  return names;
}

const TensorRecord& Checkpoint::record(const std::string& name) const {
  const auto found = manifest_.tensors.find(name);
  if (found != manifest_.tensors.end()) return found->second;
  const std::string proposal = nearest(name, names());
  fail_input(path_.string() + " has no tensor " + name +
             (proposal.empty() ? "" : "; the nearest is " + proposal));
}

at::Tensor Checkpoint::read(const std::string& name) const {
  return read_tensor(path_, name, record(name));
}

void Checkpoint::read_into(const std::string& name, const at::Tensor& target) const {
  const TensorRecord& saved = record(name);
  if (target.sizes().vec() != saved.shape || dtype_name(target.scalar_type()) != saved.dtype) {
    std::ostringstream shapes;
    shapes << saved.dtype << " " << at::IntArrayRef(saved.shape) << ", asked for "
           << dtype_name(target.scalar_type()) << " " << target.sizes();
    fail_input(path_.string() + ": tensor " + name + " is " + shapes.str());
  }
  const at::NoGradGuard no_grad;
  target.copy_(read(name));
}

std::string find_damage(const fs::path& folder, Scrutiny scrutiny) {
  try {
    for (const FileRecord& file : sound_manifest(folder).files) {
      if (const auto damage = file_damage(folder, file, scrutiny)) return *damage;
    }
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::vector<std::string> find_all_damage(const fs::path& folder) {
  std::vector<std::string> damage;
  try {
    const Manifest manifest = sound_manifest(folder);
    for (const FileRecord& file : manifest.files) {
      const auto whole = file_damage(folder, file, Scrutiny::bytes);
      if (!whole) continue;
      damage.push_back(*whole);
      const auto tensors = tensor_damage(folder, manifest, file.name);
      damage.insert(damage.end(), tensors.begin(), tensors.end());
    }
  } catch (const std::exception& error) {
    damage.push_back(error.what());
  }
  return damage;
}

}  // namespace spillway::trainer
