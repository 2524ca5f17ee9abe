#pragma once

#include <H5Ipublic.h>

namespace spillway::data {

/// Makes files opened with the access property list `access` survive a disk that is full or broken.
/// HDF5 1.10 crashes, at once or at exit, when it cannot write out its cache on closing a file;
/// with this driver every write seems to work, and the errno of the first one that did not is left
/// in
/// `*first_error`, which must outlive the file and stays untouched when all is well. Whoever writes
/// looks there after each write and after closing. Files are those of HDF5's own default driver.
/// Returns whether HDF5 took it.
bool set_enduring_driver(hid_t access, int* first_error);

}  // namespace spillway::data
