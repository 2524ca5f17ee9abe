#include "data/corpus/hdf5_handle.hpp"

#include <hdf5.h>

#include <cstring>

#include "configs/error.hpp"
#include "data/corpus/hdf5_driver.hpp"
#include "data/corpus/hdf5_library.hpp"

namespace spillway::data {
namespace {

// A cache line: mapped columns are read as arrays of their type.
constexpr std::uint64_t kAlignment = 64;

Hdf5Handle access_properties(bool with_lock, Hdf5Format format, int* write_error) {
  silence_hdf5();
  Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const auto low = format == Hdf5Format::latest ? H5F_LIBVER_LATEST : H5F_LIBVER_EARLIEST;
  if (H5Pset_file_locking(access.get(), with_lock, /*ignore_when_disabled=*/true) < 0 ||
      H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG) < 0 ||
      H5Pset_alignment(access.get(), 1, kAlignment) < 0 ||
      H5Pset_libver_bounds(access.get(), low, H5F_LIBVER_LATEST) < 0 ||
      !set_enduring_driver(access.get(), write_error)) {
    fail("HDF5 file access properties: " + last_hdf5_error());
  }
  return access;
}

Hdf5Handle open_file(const std::filesystem::path& path, bool writable, int* write_error) {
  const Hdf5Handle access = access_properties(writable, Hdf5Format::earliest, write_error);
  Hdf5Handle file(H5Fopen(path.c_str(), writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access.get()),
                  H5Fclose);
  if (!file) {
    const std::string reason = last_hdf5_error();
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) fail_input(path.string() + ": no such file");
    fail_input(path.string() + ": cannot be opened as HDF5 (" + reason + ")");
  }
  return file;
}

}  // namespace

Hdf5Handle::~Hdf5Handle() { close(); }

bool Hdf5Handle::close() {
  const Closer closer = std::exchange(closer_, nullptr);
  const hid_t id = std::exchange(id_, -1);
  return id < 0 || !closer || closer(id) >= 0;
}

Hdf5File Hdf5File::create(const std::filesystem::path& path, Hdf5Format format) {
  auto write_error = std::make_unique<int>(0);
  const Hdf5Handle access = access_properties(/*with_lock=*/true, format, write_error.get());
  const Hdf5Handle creation = without_times(H5P_FILE_CREATE);
  Hdf5Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose);
  if (!file) fail_input(path.string() + ": cannot be created (" + last_hdf5_error() + ")");
  return {path, std::move(file), std::move(write_error)};
}

Hdf5File Hdf5File::open(const std::filesystem::path& path) {
  auto write_error = std::make_unique<int>(0);
  Hdf5Handle file = open_file(path, false, write_error.get());
  return {path, std::move(file), std::move(write_error)};
}

Hdf5File Hdf5File::open_for_update(const std::filesystem::path& path) {
  auto write_error = std::make_unique<int>(0);
  Hdf5Handle file = open_file(path, true, write_error.get());
  return {path, std::move(file), std::move(write_error)};
}

void Hdf5File::check_written(const std::string& what, const std::string& name) const {
  if (*write_error_ == 0) return;
  fail(path_.string() + ": cannot " + what + " " + name + " (" + std::strerror(*write_error_) +
       ")");
}

void Hdf5File::fail_here(const std::string& what, const std::string& name) const {
  const std::string reason = last_hdf5_error();
  fail(path_.string() + ": cannot " + what + " " + name + " (" + reason + ")");
}

bool Hdf5File::exists(const std::string& name) const {
  silence_hdf5();
  if (name.empty() || name == "/") return true;
  // H5Lexists wants every parent to exist, so the path is walked.
  for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    const std::string prefix = name.substr(0, end);
    if (H5Lexists(file_.get(), prefix.c_str(), H5P_DEFAULT) <= 0) return false;
    if (end == std::string::npos) return true;
  }
}

std::vector<std::string> Hdf5File::children(const std::string& group) const {
  silence_hdf5();
  const Hdf5Handle handle(H5Gopen2(file_.get(), group.c_str(), H5P_DEFAULT), H5Gclose);
  if (!handle) fail_here("open group", group);
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  if (H5Literate(handle.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names) < 0)
    fail_here("list group", group);
  return names;
}

void Hdf5File::make_group(const std::string& name) {
  if (exists(name)) return;
  if (const std::size_t slash = name.rfind('/'); slash != std::string::npos && slash > 0) {
    make_group(name.substr(0, slash));
  }
  const Hdf5Handle creation = without_times(H5P_GROUP_CREATE);
  const Hdf5Handle group(
      H5Gcreate2(file_.get(), name.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT), H5Gclose);
  if (!group) fail_here("make group", name);
}

void Hdf5File::flush() {
  silence_hdf5();
  if (H5Fflush(file_.get(), H5F_SCOPE_LOCAL) < 0) fail_here("flush", "file");
  check_written("flush", "file");
}

void Hdf5File::close() {
  silence_hdf5();
  if (!file_.close()) fail_here("close", "file");
  check_written("close", "file");
}

}  // namespace spillway::data
