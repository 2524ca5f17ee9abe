#include "data/corpus/hdf5_library.hpp"

#include <algorithm>

namespace spillway::data {
namespace {

herr_t take_description(unsigned, const H5E_error2_t* error, void* out) {
  auto& text = *static_cast<std::string*>(out);
  if (text.empty() && error->desc) text = error->desc;
  return 0;
}

}  // namespace

void silence_hdf5() {
  static thread_local const bool kSilent = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  (void)kSilent;
}

std::string last_hdf5_error() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_description, &text);
  H5Eclear2(H5E_DEFAULT);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "HDF5 gives no reason" : text;
}

Hdf5Handle without_times(hid_t property_class) {
  silence_hdf5();
  Hdf5Handle properties(H5Pcreate(property_class), H5Pclose);
  H5Pset_obj_track_times(properties.get(), false);
  return properties;
}

}  // namespace spillway::data
