#include "trainer/checkpoint/shard.hpp"

#include <ATen/ops/empty.h>

#include <array>
#include <bit>
#include <set>

#include "configs/error.hpp"
#include "data/corpus/hdf5_handle.hpp"
#include "trainer/checkpoint/checksum.hpp"
#include "trainer/checkpoint/durable_file.hpp"

namespace spillway::trainer {
namespace {

namespace fs = std::filesystem;
using data::ElementType;
using data::Hdf5File;

static_assert(std::endian::native == std::endian::little,
              "tensors are stored as they lie in memory");

struct Dtype {
  at::ScalarType type;
  const char* name;
  ElementType stored;
};

constexpr std::array<Dtype, 8> kDtypes{{{at::kFloat, "float32", ElementType::float32},
                                        {at::kDouble, "float64", ElementType::float64},
                                        {at::kHalf, "float16", ElementType::uint16},
                                        {at::kBFloat16, "bfloat16", ElementType::uint16},
                                        {at::kInt, "int32", ElementType::uint32},
                                        {at::kLong, "int64", ElementType::int64},
                                        {at::kByte, "uint8", ElementType::uint8},
                                        {at::kBool, "bool", ElementType::uint8}}};

const Dtype& dtype_of(at::ScalarType type) {
  for (const Dtype& dtype : kDtypes) {
    if (dtype.type == type) return dtype;
  }
  fail_input(std::string("tensors of type ") + c10::toString(type) + " cannot be checkpointed");
}

at::ScalarType type_of(const std::string& name) {
  for (const Dtype& dtype : kDtypes) {
    if (name == dtype.name) return dtype.type;
  }
  fail_input("tensor type " + name + " is not known here");
}

void check_name(const std::string& name) {
  std::size_t begin = 0;
  while (begin != std::string::npos) {
    const std::size_t end = name.find('/', begin);
    const std::string part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") {
      fail_input("tensor name \"" + name + "\" is not of the form group/group/name");
    }
    begin = end == std::string::npos ? end : end + 1;
  }
}

void check_names(const std::vector<NamedTensor>& tensors) {
  std::set<std::string> seen;
  for (const NamedTensor& one : tensors) {
    check_name(one.name);
    if (!seen.insert(one.name).second)
      fail_input("tensor name \"" + one.name + "\" is given twice");
    if (!one.tensor.defined()) fail_input("tensor \"" + one.name + "\" is undefined");
  }
}

std::span<std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

/// The file with all datasets in place, their content still undefined: HDF5 lays out, plain writes
/// fill. That way a full disk is met by a call that names it, and no tensor goes through HDF5's
/// buffers.
void lay_out(const fs::path& path, const std::vector<NamedTensor>& tensors, ShardRecord& record) {
  Hdf5File file = Hdf5File::create(path);
  for (const auto& [name, tensor] : tensors) {
    const Dtype& dtype = dtype_of(tensor.scalar_type());
    file.reserve(name, dtype.stored, {tensor.sizes().begin(), tensor.sizes().end()});
    file.set_attribute(name, "dtype", dtype.name);
    TensorRecord& one = record.tensors[name];
    one.file = record.file.name;
    one.dtype = dtype.name;
    one.shape = tensor.sizes().vec();
    one.offset = file.describe(name).offset;
    one.bytes = tensor.nbytes();
  }
  file.close();
}

void fill(const fs::path& path, const std::vector<NamedTensor>& tensors, ShardRecord& record) {
  File file = File::open_to_write(path);
  record.file.bytes = file.size();
  file.allocate(record.file.bytes);
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor plain = tensor.detach().cpu().contiguous();
    TensorRecord& one = record.tensors[name];
    file.write_at(one.offset, bytes_of(plain));
    one.xxh3 = checksum(bytes_of(plain));
  }
  file.sync();
}

}  // namespace

const char* dtype_name(at::ScalarType type) { return dtype_of(type).name; }

ShardRecord write_shard(const fs::path& path, const std::vector<NamedTensor>& tensors) {
  check_names(tensors);
  ShardRecord record;
  record.file.name = path.filename();
  lay_out(path, tensors, record);
  fill(path, tensors, record);
  record.file.xxh3 = file_checksum(path);
  return record;
}

at::Tensor read_tensor(const fs::path& checkpoint, const std::string& name,
                       const TensorRecord& record) {
  at::Tensor tensor = at::empty(record.shape, type_of(record.dtype));
  const fs::path path = checkpoint / record.file;
  if (tensor.nbytes() != record.bytes) {
    fail(path.string() + ": tensor " + name + " has " + std::to_string(record.bytes) +
         " bytes, its shape and type need " + std::to_string(tensor.nbytes()));
  }
  File::open_to_read(path).read_at(record.offset, bytes_of(tensor));
  const std::string found = checksum(bytes_of(tensor));
  if (found != record.xxh3) {
    fail(path.string() + ": tensor " + name + " is damaged: checksum " + found + ", written as " +
         record.xxh3);
  }
  return tensor;
}

}  // namespace spillway::trainer
