#include "data/corpus/hdf5_handle.hpp"

#include <hdf5.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "configs/error.hpp"
#include "data/corpus/hdf5_driver.hpp"

namespace spillway::data {
namespace {

static_assert(std::endian::native == std::endian::little, "mapped datasets are read as they lie");

constexpr std::uint64_t kAlignment =
    64;  // a cache line: mapped columns are read as arrays of their type

/// The error stack of the thread-safe library is per thread, and so is its printing.
void silence_hdf5() {
  static thread_local const bool kSilent = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  (void)kSilent;
}

herr_t take_description(unsigned, const H5E_error2_t* error, void* out) {
  auto& text = *static_cast<std::string*>(out);
  if (text.empty() && error->desc) text = error->desc;
  return 0;
}

/// The innermost description of the last failure, which is where errno's text is.
std::string last_hdf5_error() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_description, &text);
  H5Eclear2(H5E_DEFAULT);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "HDF5 gives no reason" : text;
}

hid_t stored_type(ElementType type) {
  switch (type) {
    case ElementType::uint8:
      return H5T_STD_U8LE;
    case ElementType::uint16:
      return H5T_STD_U16LE;
    case ElementType::uint32:
      return H5T_STD_U32LE;
    case ElementType::uint64:
      return H5T_STD_U64LE;
    case ElementType::int64:
      return H5T_STD_I64LE;
    case ElementType::float32:
      return H5T_IEEE_F32LE;
    case ElementType::float64:
      return H5T_IEEE_F64LE;
  }
  fail("element type " + std::to_string(static_cast<int>(type)) + " is unknown");
}

constexpr ElementType kAllTypes[] = {ElementType::uint8,  ElementType::uint16, ElementType::uint32,
                                     ElementType::uint64, ElementType::int64,  ElementType::float32,
                                     ElementType::float64};

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

/// Properties of a new file, group or dataset: no time stamps, so that equal content gives equal
/// bytes.
Hdf5Handle without_times(hid_t property_class) {
  silence_hdf5();
  Hdf5Handle properties(H5Pcreate(property_class), H5Pclose);
  H5Pset_obj_track_times(properties.get(), false);
  return properties;
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

const char* to_string(ElementType type) {
  constexpr const char* kNames[] = {"uint8", "uint16",  "uint32", "uint64",
                                    "int64", "float32", "float64"};
  return kNames[static_cast<std::size_t>(type)];
}

std::size_t bytes_of(ElementType type) {
  constexpr std::size_t kBytes[] = {1, 2, 4, 8, 8, 4, 8};
  return kBytes[static_cast<std::size_t>(type)];
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

Hdf5Handle Hdf5File::open_dataset(const std::string& name) const {
  silence_hdf5();
  Hdf5Handle dataset(H5Dopen2(file_.get(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset) fail_here("open dataset", name);
  return dataset;
}

Hdf5Handle Hdf5File::create_dataset(const std::string& name, ElementType type,
                                    const std::vector<std::uint64_t>& shape) {
  silence_hdf5();
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  const Hdf5Handle space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr),
                         H5Sclose);
  if (const std::size_t slash = name.rfind('/'); slash != std::string::npos) {
    make_group(name.substr(0, slash));
  }
  const Hdf5Handle layout = without_times(H5P_DATASET_CREATE);
  H5Pset_layout(layout.get(), H5D_CONTIGUOUS);
  H5Pset_alloc_time(layout.get(), H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(layout.get(), H5D_FILL_TIME_NEVER);
  Hdf5Handle dataset(H5Dcreate2(file_.get(), name.c_str(), stored_type(type), space.get(),
                                H5P_DEFAULT, layout.get(), H5P_DEFAULT),
                     H5Dclose);
  if (!dataset) fail_here("make dataset", name);
  return dataset;
}

void Hdf5File::reserve(const std::string& name, ElementType type,
                       const std::vector<std::uint64_t>& shape) {
  create_dataset(name, type, shape);
}

void Hdf5File::write_all(const std::string& name, ElementType type,
                         const std::vector<std::uint64_t>& shape, const void* values,
                         std::uint64_t elements) {
  const std::uint64_t product =
      std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>());
  if (product != elements) {
    fail(path_.string() + ": dataset " + name + " has " + std::to_string(product) +
         " elements by its shape, " + std::to_string(elements) + " given");
  }
  const Hdf5Handle dataset = create_dataset(name, type, shape);
  if (elements == 0) return;
  if (H5Dwrite(dataset.get(), stored_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
    fail_here("write dataset", name);
  check_written("write dataset", name);
}

void Hdf5File::write_range(const std::string& name, ElementType type, std::uint64_t first,
                           std::uint64_t elements, const void* values) {
  if (elements == 0) return;
  const Hdf5Handle dataset = open_dataset(name);
  const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose);
  const hsize_t begin = first, count = elements;
  const Hdf5Handle memory(H5Screate_simple(1, &count, nullptr), H5Sclose);
  if (H5Sget_simple_extent_ndims(space.get()) != 1 ||
      H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &begin, nullptr, &count, nullptr) < 0 ||
      H5Dwrite(dataset.get(), stored_type(type), memory.get(), space.get(), H5P_DEFAULT, values) <
          0) {
    fail_here("write elements " + std::to_string(first) + " to " +
                  std::to_string(first + elements) + " of",
              name);
  }
  check_written("write dataset", name);
}

DatasetInfo Hdf5File::describe(const std::string& name) const {
  const Hdf5Handle dataset = open_dataset(name);
  const Hdf5Handle type(H5Dget_type(dataset.get()), H5Tclose);
  const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose);
  const Hdf5Handle layout(H5Dget_create_plist(dataset.get()), H5Pclose);
  const auto known = std::find_if(std::begin(kAllTypes), std::end(kAllTypes), [&](ElementType t) {
    return H5Tequal(type.get(), stored_type(t)) > 0;
  });
  if (known == std::end(kAllTypes))
    fail(path_.string() + ": dataset " + name + " has an element type that is not in use here");
  if (H5Pget_layout(layout.get()) != H5D_CONTIGUOUS || H5Pget_external_count(layout.get()) != 0) {
    fail(path_.string() + ": dataset " + name + " is not contiguous in this file");
  }
  std::vector<hsize_t> dims(
      static_cast<std::size_t>(std::max(H5Sget_simple_extent_ndims(space.get()), 0)));
  H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr);
  DatasetInfo info{.type = *known, .shape = {dims.begin(), dims.end()}};
  info.bytes = std::accumulate(dims.begin(), dims.end(), std::uint64_t{bytes_of(*known)},
                               std::multiplies<>());
  const haddr_t offset = H5Dget_offset(dataset.get());
  if (info.bytes > 0) {
    if (offset == HADDR_UNDEF)
      fail(path_.string() + ": dataset " + name + " has no place in the file");
    info.offset = offset;
  }
  return info;
}

void Hdf5File::check_type(const std::string& name, ElementType wanted,
                          std::uint64_t elements) const {
  const DatasetInfo info = describe(name);
  if (info.type != wanted || info.bytes != elements * bytes_of(wanted)) {
    fail(path_.string() + ": dataset " + name + " holds " +
         std::to_string(info.bytes / bytes_of(info.type)) + " " + to_string(info.type) +
         ", asked for " + std::to_string(elements) + " " + to_string(wanted));
  }
}

void Hdf5File::read_all(const std::string& name, ElementType type, void* out,
                        std::uint64_t elements) const {
  check_type(name, type, elements);
  if (elements == 0) return;
  const Hdf5Handle dataset = open_dataset(name);
  if (H5Dread(dataset.get(), stored_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
    fail_here("read dataset", name);
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
