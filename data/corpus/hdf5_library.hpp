#pragma once

#include <hdf5.h>

#include <string>

#include "data/corpus/hdf5_handle.hpp"

namespace spillway::data {

/// Stops HDF5 from printing errors in this thread. Every entry into the library calls it: the error
/// stack of the thread-safe library is per thread, and so is its printing.
void silence_hdf5();

/// The innermost description of this thread's last failure, which is where errno's text is; clears
/// it.
std::string last_hdf5_error();

/// Properties of a new file, group or dataset: no time stamps, so that equal content gives equal
/// bytes.
Hdf5Handle without_times(hid_t property_class);

}  // namespace spillway::data
