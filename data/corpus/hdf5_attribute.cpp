// Attributes of Hdf5File: scalars of three kinds on any group or dataset.
#include <hdf5.h>

#include "configs/error.hpp"
#include "data/corpus/hdf5_handle.hpp"

namespace spillway::data {

Hdf5Handle Hdf5File::open_object(const std::string& name) const {
  if (!exists(name)) fail(path_.string() + ": no object " + name);
  Hdf5Handle object(H5Oopen(file_.get(), name.empty() ? "/" : name.c_str(), H5P_DEFAULT), H5Oclose);
  if (!object) fail_here("open", name);
  return object;
}

void Hdf5File::write_attribute(const std::string& object, const std::string& name, hid_t stored,
                               hid_t memory, const void* value) {
  const Hdf5Handle owner = open_object(object);
  if (H5Aexists(owner.get(), name.c_str()) > 0) H5Adelete(owner.get(), name.c_str());
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Hdf5Handle attribute(
      H5Acreate2(owner.get(), name.c_str(), stored, space.get(), H5P_DEFAULT, H5P_DEFAULT),
      H5Aclose);
  if (!attribute || H5Awrite(attribute.get(), memory, value) < 0)
    fail_here("write attribute " + name + " of", object);
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name,
                             std::string_view value) {
  // A fixed-length HDF5 string has at least one byte; null padding keeps shorter ones exact.
  const Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), value.empty() ? 1 : value.size());
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  write_attribute(object, name, type.get(), type.get(), value.empty() ? "" : value.data());
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name,
                             std::uint64_t value) {
  write_attribute(object, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, &value);
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name, double value) {
  write_attribute(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

bool Hdf5File::has_attribute(const std::string& object, const std::string& name) const {
  return exists(object) && H5Aexists(open_object(object).get(), name.c_str()) > 0;
}

Hdf5Handle Hdf5File::open_attribute(const std::string& object, const std::string& name,
                                    int wanted_class) const {
  const Hdf5Handle owner = open_object(object);
  Hdf5Handle attribute(H5Aopen(owner.get(), name.c_str(), H5P_DEFAULT), H5Aclose);
  if (!attribute) fail_here("open attribute " + name + " of", object);
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose);
  if (H5Tget_class(type.get()) != wanted_class || H5Sget_simple_extent_npoints(space.get()) != 1) {
    fail(path_.string() + ": attribute " + name + " of " + object + " is of another type");
  }
  return attribute;
}

std::string Hdf5File::string_attribute(const std::string& object, const std::string& name) const {
  const Hdf5Handle attribute = open_attribute(object, name, H5T_STRING);
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose);
  if (H5Tis_variable_str(type.get()) > 0)
    fail(path_.string() + ": attribute " + name + " of " + object + " has variable length");
  std::string value(H5Tget_size(type.get()), '\0');
  if (H5Aread(attribute.get(), type.get(), value.data()) < 0)
    fail_here("read attribute " + name + " of", object);
  value.resize(value.find_last_not_of('\0') + 1);
  return value;
}

std::uint64_t Hdf5File::integer_attribute(const std::string& object,
                                          const std::string& name) const {
  const Hdf5Handle attribute = open_attribute(object, name, H5T_INTEGER);
  std::uint64_t value = 0;
  if (H5Aread(attribute.get(), H5T_NATIVE_UINT64, &value) < 0)
    fail_here("read attribute " + name + " of", object);
  return value;
}

double Hdf5File::number_attribute(const std::string& object, const std::string& name) const {
  const Hdf5Handle attribute = open_attribute(object, name, H5T_FLOAT);
  double value = 0;
  if (H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value) < 0)
    fail_here("read attribute " + name + " of", object);
  return value;
}

}  // namespace spillway::data
