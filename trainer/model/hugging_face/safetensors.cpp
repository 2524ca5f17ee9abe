#include "trainer/model/hugging_face/safetensors.hpp"

#include <ATen/ATen.h>

#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "configs/error.hpp"
#include "data/corpus/mapped_file.hpp"

namespace spillway::trainer {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "the format is little-endian");
constexpr std::uint64_t kLargestHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kHeaderAlignment = 8;

std::string type_name(at::ScalarType type, const std::string& tensor) {
  if (type == at::kFloat) return "F32";
  if (type == at::kBFloat16) return "BF16";
  if (type == at::kHalf) return "F16";
  fail("tensor " + tensor + " is " + c10::toString(type) +
       "; written are float32, bfloat16 and float16");
}

at::ScalarType scalar_type(const std::string& name) {
  if (name == "F32") return at::kFloat;
  if (name == "BF16") return at::kBFloat16;
  if (name == "F16") return at::kHalf;
  fail_choice("dtype", name, "F32 | BF16 | F16");
}

std::string header_of(const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t end = offset + tensor.nbytes();
    header[name] = {{"dtype", type_name(tensor.scalar_type(), name)},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  return text;
}

/// Bytes of a tensor of this shape, or more than `limit` if it has more; allocates nothing.
std::size_t checked_bytes(const std::vector<std::int64_t>& shape, std::size_t element,
                          std::size_t limit) {
  std::size_t bytes = element;
  for (const std::int64_t length : shape) {
    if (length < 0) fail_input("a dim of " + std::to_string(length));
    if (length == 0) return 0;
    if (bytes > limit / static_cast<std::size_t>(length)) return limit + 1;
    bytes *= static_cast<std::size_t>(length);
  }
  return bytes;
}

/// The tensor that `entry` describes, copied out of the `size` bytes of data at `bytes`.
at::Tensor read_tensor(const json& entry, const std::byte* bytes, std::size_t size) {
  const auto shape = entry.at("shape").get<std::vector<std::int64_t>>();
  const auto range = entry.at("data_offsets").get<std::array<std::size_t, 2>>();
  const at::ScalarType type = scalar_type(entry.at("dtype").get<std::string>());
  const std::size_t wanted = checked_bytes(shape, c10::elementSize(type), size);
  if (range[0] > range[1] || range[1] > size || range[1] - range[0] != wanted) {
    fail_input("bytes " + std::to_string(range[0]) + " to " + std::to_string(range[1]) + " of " +
               std::to_string(size) + " do not hold its shape");
  }
  at::Tensor tensor = at::empty(shape, type);
  if (wanted > 0) std::memcpy(tensor.data_ptr(), bytes + range[0], wanted);
  return tensor;
}

/// Length of the JSON header, checked against the file.
std::size_t header_length(const data::MappedFile& file) {
  std::uint64_t length = 0;
  if (file.size() < sizeof(length)) fail_input("shorter than its 8-byte header length");
  std::memcpy(&length, file.data(), sizeof(length));
  if (length > kLargestHeader || length > file.size() - sizeof(length)) {
    fail_input("header of " + std::to_string(length) + " bytes in a file of " +
               std::to_string(file.size()));
  }
  return length;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = header_of(tensors, metadata);
  const std::uint64_t length = header.size();
  std::ofstream stream(path, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(&length), sizeof(length));
  stream << header;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor dense = tensor.detach().cpu().contiguous();
    stream.write(static_cast<const char*>(dense.const_data_ptr()),
                 static_cast<std::streamsize>(dense.nbytes()));
  }
  stream.close();
  if (!stream) fail(path.string() + ": cannot be written; is the disk full?");
  data::sync_to_disk(path);
}

NamedTensors read_safetensors(const std::filesystem::path& path) {
  const data::MappedFile file(path);
  NamedTensors tensors;
  std::string name = "header";
  try {
    const std::size_t length = header_length(file);
    const auto* text = reinterpret_cast<const char*>(file.data()) + sizeof(std::uint64_t);
    const json header = json::parse(text, text + length);
    const std::size_t begin = sizeof(std::uint64_t) + length;
    for (const auto& [key, entry] : header.items()) {
      name = key;
      if (key == "__metadata__") continue;
      tensors.emplace(key, read_tensor(entry, file.data() + begin, file.size() - begin));
    }
  } catch (const json::exception& error) {
    fail_input(path.string() + ": " + name + ": not safetensors (" + error.what() + ")");
  } catch (const Error& error) {
    fail_input(path.string() + ": " + name + ": " + error.what());
  }
  return tensors;
}

}  // namespace spillway::trainer
