#include "data/mutate/edit_script.hpp"

#include "configs/error.hpp"

namespace spillway::data {

std::string undo(std::string_view mutant, const EditScript& script) {
  std::string original;
  std::uint64_t at = 0;
  for (const Edit& edit : script.edits) {
    if (edit.mutant_begin < at || edit.mutant_length > mutant.size() ||
        edit.mutant_begin > mutant.size() - edit.mutant_length) {
      fail_input("edit at byte " + std::to_string(edit.mutant_begin) + ", length " +
                 std::to_string(edit.mutant_length) + " does not fit a mutant of " +
                 std::to_string(mutant.size()) + " bytes after byte " + std::to_string(at));
    }
    original.append(mutant.substr(at, edit.mutant_begin - at)).append(edit.original);
    at = edit.mutant_begin + edit.mutant_length;
  }
  return original.append(mutant.substr(at));
}

}  // namespace spillway::data
