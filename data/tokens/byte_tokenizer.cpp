#include "data/tokens/byte_tokenizer.hpp"

#include <array>

#include "configs/error.hpp"

namespace spillway::data {
namespace {

struct Role {
  std::string_view name;
  ControlToken token;
};
constexpr std::array kRoles{
    Role{"user", ControlToken::turn_user}, Role{"assistant", ControlToken::turn_assistant},
    Role{"system", ControlToken::turn_system}, Role{"tool", ControlToken::turn_tool}};

ControlToken token_of(const std::string& role) {
  for (const Role& known : kRoles) {
    if (known.name == role) return known.token;
  }
  fail_choice("role of a turn", role, "user | assistant | system | tool");
}

/// Name of the role that `id` opens; empty for any other id.
std::string_view role_of(std::int32_t id) {
  for (const Role& known : kRoles) {
    if (id_of(known.token) == id) return known.name;
  }
  return {};
}

void append_bytes(std::string_view bytes, std::vector<std::int32_t>& out) {
  const std::size_t before = out.size();
  out.resize(before + bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i)
    out[before + i] = static_cast<unsigned char>(bytes[i]);
}

}  // namespace

const char* to_string(ControlToken token) {
  constexpr std::array kNames{"<document_start>", "<document_end>", "<turn_user>",
                              "<turn_assistant>", "<turn_system>",  "<turn_tool>",
                              "<turn_end>",       "<padding>"};
  return kNames[static_cast<std::size_t>(id_of(token) - 256)];
}

void encode(std::string_view bytes, std::span<const Turn> turns, std::vector<std::int32_t>& out) {
  out.push_back(id_of(ControlToken::document_start));
  std::size_t at = 0;
  for (const Turn& turn : turns) {
    append_bytes(bytes.substr(at, turn.begin - at), out);
    out.push_back(id_of(token_of(turn.role)));
    append_bytes(bytes.substr(turn.begin, turn.end - turn.begin), out);
    out.push_back(id_of(ControlToken::turn_end));
    at = turn.end;
  }
  append_bytes(bytes.substr(at), out);
  out.push_back(id_of(ControlToken::document_end));
}

std::vector<std::int32_t> encode(const Sample& sample) {
  std::vector<std::int32_t> ids;
  ids.reserve(encoded_length(sample.bytes.size(), sample.turns.size()));
  encode(sample.bytes, sample.turns, ids);
  return ids;
}

std::size_t encoded_length(std::size_t bytes, std::size_t turns) { return bytes + 2 * turns + 2; }

Sample decode(std::span<const std::int32_t> ids) {
  Sample sample;
  bool in_turn = false;
  const auto end_turn = [&] {
    if (in_turn) sample.turns.back().end = static_cast<std::uint32_t>(sample.bytes.size());
    in_turn = false;
  };
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= kVocabulary)
      fail_input("token " + std::to_string(id) + " is outside 0 to " +
                 std::to_string(kVocabulary - 1));
    if (id == id_of(ControlToken::document_end)) break;
    if (!is_control(id)) {
      sample.bytes.push_back(static_cast<char>(id));
    } else if (const std::string_view role = role_of(id); !role.empty()) {
      end_turn();
      sample.turns.push_back(
          {static_cast<std::uint32_t>(sample.bytes.size()), 0, std::string(role)});
      in_turn = true;
    } else if (id == id_of(ControlToken::turn_end)) {
      end_turn();
    }
  }
  end_turn();
  if (!sample.turns.empty()) sample.category = Category::dialogue;
  return sample;
}

}  // namespace spillway::data
