#include "data/corpus/hdf5_driver.hpp"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <tuple>

namespace spillway::data {
namespace {

struct Settings {
  int* first_error;
};

/// HDF5 addresses a file by its first member.
struct OpenFile {
  H5FD_t base{};
  int descriptor = -1;
  haddr_t end_of_allocation = 0;
  haddr_t end_of_file = 0;
  dev_t device = 0;
  ino_t inode = 0;
  int* first_error = nullptr;
};

OpenFile& own(H5FD_t* file) { return *reinterpret_cast<OpenFile*>(file); }
const OpenFile& own(const H5FD_t* file) { return *reinterpret_cast<const OpenFile*>(file); }

void remember(const OpenFile& file) {
  if (*file.first_error == 0) *file.first_error = errno;
}

/// The text that HDF5 shows as the innermost reason.
void explain(const char* what) {
  H5Epush2(H5E_DEFAULT, __FILE__, what, __LINE__, H5E_ERR_CLS, H5E_IO, H5E_CANTOPENFILE,
           "%s: error message = '%s'", what, std::strerror(errno));
}

H5FD_t* open_file(const char* name, unsigned flags, hid_t access, haddr_t) {
  const auto* settings = static_cast<const Settings*>(H5Pget_driver_info(access));
  int mode = (flags & H5F_ACC_RDWR) != 0 ? O_RDWR : O_RDONLY;
  if ((flags & H5F_ACC_TRUNC) != 0) mode |= O_TRUNC;
  if ((flags & H5F_ACC_CREAT) != 0) mode |= O_CREAT;
  if ((flags & H5F_ACC_EXCL) != 0) mode |= O_EXCL;
  const int descriptor = ::open(name, mode | O_CLOEXEC, 0666);
  struct stat status {};
  if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
    explain("open");
    if (descriptor >= 0) ::close(descriptor);
    return nullptr;
  }
  auto* file = new OpenFile;
  file->descriptor = descriptor;
  file->end_of_file = static_cast<haddr_t>(status.st_size);
  file->device = status.st_dev;
  file->inode = status.st_ino;
  file->first_error = settings->first_error;
  return &file->base;
}

herr_t close_file(H5FD_t* base) {
  OpenFile& file = own(base);
  if (::close(file.descriptor) != 0) remember(file);  // NFS writes, and fails, here
  delete &file;
  return 0;
}

int compare(const H5FD_t* a, const H5FD_t* b) {
  const auto key = [](const OpenFile& file) { return std::tuple(file.device, file.inode); };
  if (key(own(a)) == key(own(b))) return 0;
  return key(own(a)) < key(own(b)) ? -1 : 1;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t end_of_allocation(const H5FD_t* file, H5FD_mem_t) { return own(file).end_of_allocation; }
haddr_t end_of_file(const H5FD_t* file, H5FD_mem_t) { return own(file).end_of_file; }

herr_t set_end_of_allocation(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  own(file).end_of_allocation = address;
  return 0;
}

herr_t read(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t address, size_t bytes, void* buffer) {
  auto* out = static_cast<char*>(buffer);
  while (bytes > 0) {
    const ssize_t got = ::pread(own(base).descriptor, out, bytes, static_cast<off_t>(address));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      explain("read");
      return -1;
    }
    if (got == 0) {  // allocated, not yet written
      std::memset(out, 0, bytes);
      break;
    }
    out += got;
    address += static_cast<haddr_t>(got);
    bytes -= static_cast<size_t>(got);
  }
  return 0;
}

herr_t write(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t address, size_t bytes, const void* buffer) {
  OpenFile& file = own(base);
  const auto* from = static_cast<const char*>(buffer);
  const haddr_t end = address + bytes;
  while (address < end) {
    const ssize_t put = ::pwrite(file.descriptor, from, end - address, static_cast<off_t>(address));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      remember(file);
      break;
    }
    from += put;
    address += static_cast<haddr_t>(put);
  }
  file.end_of_file = std::max(file.end_of_file, end);
  return 0;
}

herr_t truncate(H5FD_t* base, hid_t, hbool_t) {
  OpenFile& file = own(base);
  if (file.end_of_allocation == file.end_of_file) return 0;
  if (::ftruncate(file.descriptor, static_cast<off_t>(file.end_of_allocation)) != 0) remember(file);
  file.end_of_file = file.end_of_allocation;
  return 0;
}

herr_t lock(H5FD_t* base, hbool_t for_writing) {
  const int operation = (for_writing ? LOCK_EX : LOCK_SH) | LOCK_NB;
  if (::flock(own(base).descriptor, operation) == 0 || errno == ENOSYS) return 0;
  explain("lock");
  return -1;
}

herr_t unlock(H5FD_t* base) {
  return ::flock(own(base).descriptor, LOCK_UN) == 0 || errno == ENOSYS ? 0 : -1;
}

H5FD_class_t make_driver() {
  H5FD_class_t driver{};
  driver.name = "spillway_enduring";
  driver.maxaddr = static_cast<haddr_t>(INT64_MAX);
  driver.fc_degree = H5F_CLOSE_WEAK;
  driver.fapl_size = sizeof(Settings);
  driver.open = open_file;
  driver.close = close_file;
  driver.cmp = compare;
  driver.query = query;
  driver.get_eoa = end_of_allocation;
  driver.set_eoa = set_end_of_allocation;
  driver.get_eof = end_of_file;
  driver.read = read;
  driver.write = write;
  driver.truncate = truncate;
  driver.lock = lock;
  driver.unlock = unlock;
  for (H5FD_mem_t& type : driver.fl_map) type = H5FD_MEM_DEFAULT;
  constexpr H5FD_mem_t kTwoKinds[] = H5FD_FLMAP_DICHOTOMY;
  std::copy(std::begin(kTwoKinds), std::end(kTwoKinds), driver.fl_map);
  return driver;
}

}  // namespace

bool set_enduring_driver(hid_t access, int* first_error) {
  static const H5FD_class_t kDriver = make_driver();
  static const hid_t kId = H5FDregister(&kDriver);
  const Settings settings{first_error};
  return H5Pset_driver(access, kId, &settings) >= 0;
}

}  // namespace spillway::data
