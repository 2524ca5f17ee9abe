#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spillway::data {

/// One replaced range: the mutant's bytes [mutant_begin, mutant_begin + mutant_length) stand where
/// the original had `original`.
struct Edit {
  std::uint64_t mutant_begin = 0;
  std::uint64_t mutant_length = 0;
  std::string original;
};

/// What turns a mutant back into its original: non-overlapping edits in ascending order of
/// mutant_begin. Bytes outside edits are common.
struct EditScript {
  std::vector<Edit> edits;
};

/// The original, exactly. Throws Error(input) when the script does not fit the mutant.
std::string undo(std::string_view mutant, const EditScript& script);

}  // namespace spillway::data
