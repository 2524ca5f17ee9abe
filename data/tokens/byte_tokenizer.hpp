#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/corpus/sample.hpp"

namespace spillway::data {

/// Ids 0 to 255 are bytes. The ids below stand for structure; no content, whatever it holds, is
/// ever encoded to one of them.
enum class ControlToken : std::int32_t {
  document_start = 256,
  document_end,
  turn_user,
  turn_assistant,
  turn_system,
  turn_tool,
  turn_end,
  padding,
};
inline constexpr std::int32_t kVocabulary = 264;  ///< a multiple of 8, as matrix units like it

constexpr std::int32_t id_of(ControlToken token) { return static_cast<std::int32_t>(token); }
constexpr bool is_control(std::int32_t id) { return id >= 256; }
/// "<document_start>", ...; for display only, never parsed.
const char* to_string(ControlToken token);

/// Appends document_start, the bytes with each turn between its role's token and turn_end, and
/// document_end. Turns ascend and do not overlap (check_turns). Throws Error(input) for a role
/// other than user, assistant, system, tool.
void encode(std::string_view bytes, std::span<const Turn> turns, std::vector<std::int32_t>& out);
std::vector<std::int32_t> encode(const Sample& sample);

/// How many ids encode() appends.
std::size_t encoded_length(std::size_t bytes, std::size_t turns);

/// Inverse of encode(): bytes and turns of one document, up to document_end. Where a piece of a
/// document is given (a generated continuation), turns still open end with the bytes and stray
/// control ids are passed over. Throws Error(input) for an id out of range.
Sample decode(std::span<const std::int32_t> ids);

}  // namespace spillway::data
