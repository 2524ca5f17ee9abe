#pragma once

#include <H5Ipublic.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace spillway::data {

/// Owns one HDF5 identifier. Move-only; closes it on destruction and never throws there.
class Hdf5Handle {
 public:
  using Closer = int (*)(hid_t);
  Hdf5Handle() = default;
  Hdf5Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept
      : id_(std::exchange(other.id_, -1)), closer_(std::exchange(other.closer_, nullptr)) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(closer_, other.closer_);
    return *this;
  }
  Hdf5Handle(const Hdf5Handle&) = delete;
  Hdf5Handle& operator=(const Hdf5Handle&) = delete;
  ~Hdf5Handle();

  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }
  /// Closes now and returns whether that worked. The identifier is given up either way.
  bool close();

 private:
  hid_t id_ = -1;
  Closer closer_ = nullptr;
};

/// Element types of datasets. bfloat16 is stored as its bits in uint16.
enum class ElementType : std::uint8_t { uint8, uint16, uint32, uint64, int64, float32, float64 };
const char* to_string(ElementType type);
std::size_t bytes_of(ElementType type);

template <class T>
constexpr ElementType element_type() {
  if constexpr (std::is_same_v<T, std::uint8_t> || std::is_same_v<T, char>)
    return ElementType::uint8;
  else if constexpr (std::is_same_v<T, std::uint16_t>)
    return ElementType::uint16;
  else if constexpr (std::is_same_v<T, std::uint32_t>)
    return ElementType::uint32;
  else if constexpr (std::is_same_v<T, std::uint64_t>)
    return ElementType::uint64;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return ElementType::int64;
  else if constexpr (std::is_same_v<T, float>)
    return ElementType::float32;
  else {
    static_assert(std::is_same_v<T, double>, "no HDF5 element type for this");
    return ElementType::float64;
  }
}

/// Where a contiguous dataset lies in its file, for reading it without HDF5 (mmap, pread).
struct DatasetInfo {
  ElementType type = ElementType::uint8;
  std::vector<std::uint64_t> shape;
  std::uint64_t offset =
      0;  ///< of the first byte from the start of the file; 0 when the dataset is empty
  std::uint64_t bytes = 0;
};

/// Which library versions can read a new file: `earliest` all of them, `latest` scales to more
/// objects.
enum class Hdf5Format : std::uint8_t { earliest, latest };

/// One HDF5 file. Datasets are contiguous, little-endian, allocated at creation, aligned to 64
/// bytes, never filled. Names are paths ("data/offsets"); missing groups are made
/// on writing. Throws Error(input) when a file cannot be opened or made and Error(fault) for
/// everything else, in one line that names file and object. HDF5 itself prints nothing. One thread
/// at a time per object.
class Hdf5File {
 public:
  /// Makes an empty file; an existing one is emptied.
  static Hdf5File create(const std::filesystem::path& path,
                         Hdf5Format format = Hdf5Format::earliest);
  /// Opens read-only, without a file lock (works where flock does not).
  static Hdf5File open(const std::filesystem::path& path);
  /// Opens for reading and writing.
  static Hdf5File open_for_update(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  bool exists(const std::string& name) const;
  /// Names of the members of a group, sorted.
  std::vector<std::string> children(const std::string& group = "/") const;
  void make_group(const std::string& name);

  /// Makes a dataset whose content is undefined until written with write_at().
  void reserve(const std::string& name, ElementType type, const std::vector<std::uint64_t>& shape);
  /// Writes `values` from element `first` (row-major) of a 1-D dataset on.
  template <class T>
  void write_at(const std::string& name, std::uint64_t first, std::span<const T> values) {
    write_range(name, element_type<T>(), first, values.size(), values.data());
  }
  /// Makes and writes a dataset; an empty shape means 1-D.
  template <class T>
  void write(const std::string& name, std::span<const T> values,
             std::vector<std::uint64_t> shape = {}) {
    if (shape.empty()) shape = {values.size()};
    write_all(name, element_type<T>(), shape, values.data(), values.size());
  }
  template <class T>
  void write(const std::string& name, const std::vector<T>& values) {
    write(name, std::span<const T>(values));
  }

  DatasetInfo describe(const std::string& name) const;
  /// All elements, row-major. Throws when the stored type is not T's.
  template <class T>
  std::vector<T> read(const std::string& name) const {
    std::vector<T> values(describe(name).bytes / sizeof(T));
    read_into(name, std::span<T>(values));
    return values;
  }
  /// Fills `out`, which must have as many elements as the dataset.
  template <class T>
  void read_into(const std::string& name, std::span<T> out) const {
    read_all(name, element_type<T>(), out.data(), out.size());
  }

  /// Scalar attributes of a group or dataset ("/" for the file); setting one again replaces it.
  /// Strings have a fixed length.
  void set_attribute(const std::string& object, const std::string& name, std::string_view value);
  void set_attribute(const std::string& object, const std::string& name, std::uint64_t value);
  void set_attribute(const std::string& object, const std::string& name, double value);
  bool has_attribute(const std::string& object, const std::string& name) const;
  std::string string_attribute(const std::string& object, const std::string& name) const;
  std::uint64_t integer_attribute(const std::string& object, const std::string& name) const;
  double number_attribute(const std::string& object, const std::string& name) const;

  void flush();
  /// Writes everything out and closes; throws when that fails (a full disk). The destructor closes
  /// without a word.
  void close();

 private:
  Hdf5File(std::filesystem::path path, Hdf5Handle file, std::unique_ptr<int> write_error)
      : path_(std::move(path)), write_error_(std::move(write_error)), file_(std::move(file)) {}
  [[noreturn]] void fail_here(const std::string& what, const std::string& name) const;
  /// Throws when any write so far did not reach the file.
  void check_written(const std::string& what, const std::string& name) const;
  Hdf5Handle open_dataset(const std::string& name) const;
  Hdf5Handle open_object(const std::string& name) const;
  Hdf5Handle create_dataset(const std::string& name, ElementType type,
                            const std::vector<std::uint64_t>& shape);
  void check_type(const std::string& name, ElementType wanted, std::uint64_t elements) const;
  void write_all(const std::string& name, ElementType type, const std::vector<std::uint64_t>& shape,
                 const void* values, std::uint64_t elements);
  void write_range(const std::string& name, ElementType type, std::uint64_t first,
                   std::uint64_t elements, const void* values);
  void read_all(const std::string& name, ElementType type, void* out, std::uint64_t elements) const;
  void write_attribute(const std::string& object, const std::string& name, hid_t stored,
                       hid_t memory, const void* value);
  Hdf5Handle open_attribute(const std::string& object, const std::string& name,
                            int wanted_class) const;

  std::filesystem::path path_;
  std::unique_ptr<int>
      write_error_;  ///< errno of the first failed write; the open file points here
  Hdf5Handle file_;
};

}  // namespace spillway::data
