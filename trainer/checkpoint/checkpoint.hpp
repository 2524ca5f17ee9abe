#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trainer/checkpoint/manifest.hpp"

namespace spillway::trainer {

/// Takes one line meant for the user: "step-000120 passed over: rank-1.h5: ...".
using Report = std::function<void(const std::string&)>;

/// A published checkpoint, read by name: any rank may read any tensor, so a run continues on
/// another number of stages or replicas by asking for the names it now owns. Opening reads the
/// manifest only; read() verifies the bytes it reads. Thread-safe.
class Checkpoint {
 public:
  /// Throws Error(input) naming the file when the folder has no sound manifest.
  explicit Checkpoint(std::filesystem::path folder);

  const std::filesystem::path& path() const { return path_; }
  std::int64_t step() const { return manifest_.step; }
  /// What the saver put beside the tensors: configuration, loader position, layout, ...
  const nlohmann::json& metadata() const { return manifest_.metadata; }
  const Manifest& manifest() const { return manifest_; }

  /// Names that begin with `prefix`, sorted.
  std::vector<std::string> names(const std::string& prefix = "") const;
  bool contains(const std::string& name) const { return manifest_.tensors.contains(name); }
  /// Throws Error(input), proposing the nearest name, for one that is not there.
  const TensorRecord& record(const std::string& name) const;
  /// A new CPU tensor. Throws Error(fault) naming file and tensor when the bytes are not those that
  /// were saved.
  at::Tensor read(const std::string& name) const;
  /// Copies into `target` (any device), which must have the saved shape and type: a checkpoint is
  /// never silently cast.
  void read_into(const std::string& name, const at::Tensor& target) const;

 private:
  std::filesystem::path path_;
  Manifest manifest_;
};

/// How closely to look: `sizes` trusts files that have the recorded size, `bytes` reads and
/// checksums every file.
enum class Scrutiny : std::uint8_t { sizes, bytes };

/// What is wrong with the checkpoint in this folder, naming the file; empty when it is valid.
std::string find_damage(const std::filesystem::path& folder, Scrutiny scrutiny = Scrutiny::bytes);

/// Every damage of a checkpoint, one line a damaged file or tensor; empty when it is valid.
std::vector<std::string> find_all_damage(const std::filesystem::path& folder);

}  // namespace spillway::trainer
