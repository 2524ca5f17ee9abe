#include "trainer/observe/json_lines.hpp"

#include <span>

namespace spillway::trainer {
namespace {

bool ends_inside_a_line(const File& file) {
  const std::uint64_t size = file.size();
  if (size == 0) return false;
  std::byte last{};
  file.read_at(size - 1, {&last, 1});
  return last != std::byte{'\n'};
}

}  // namespace

JsonLines::JsonLines(const std::filesystem::path& path)
    : file_(File::open_to_append(path)), torn_(ends_inside_a_line(file_)) {}

void JsonLines::append(const nlohmann::ordered_json& object) {
  using Json = nlohmann::ordered_json;
  const std::string line = object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const std::string text = torn_ ? "\n" + line : line;
  torn_ = true;
  file_.append(text);
  torn_ = false;
}

}  // namespace spillway::trainer
