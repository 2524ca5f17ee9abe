// Datasets of Hdf5File: contiguous arrays of one element type.
#include <hdf5.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>

#include "configs/error.hpp"
#include "data/corpus/hdf5_handle.hpp"
#include "data/corpus/hdf5_library.hpp"

namespace spillway::data {
namespace {

static_assert(std::endian::native == std::endian::little, "mapped datasets are read as they lie");

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

}  // namespace

const char* to_string(ElementType type) {
  constexpr const char* kNames[] = {"uint8", "uint16",  "uint32", "uint64",
                                    "int64", "float32", "float64"};
  return kNames[static_cast<std::size_t>(type)];
}

std::size_t bytes_of(ElementType type) {
  constexpr std::size_t kBytes[] = {1, 2, 4, 8, 8, 4, 8};
  return kBytes[static_cast<std::size_t>(type)];
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

}  // namespace spillway::data
