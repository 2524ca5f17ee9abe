#pragma once

#include <optional>

#include "configs/error.hpp"

namespace spillway::trainer {

/// Calls attempt(item) for each item in turn and passes over those for which it throws
/// Error(input); throws the first such error where it threw one for every item.
template <class Items, class Attempt>
void try_each(const Items& items, const Attempt& attempt) {
  bool any = false;
  std::optional<Error> refusal;
  for (const auto& item : items) {
    try {
      attempt(item);
      any = true;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::input) throw;
      if (!refusal) refusal = error;
    }
  }
  if (!any && refusal) throw Error(*refusal);
}

}  // namespace spillway::trainer
