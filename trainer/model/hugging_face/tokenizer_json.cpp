#include "trainer/model/hugging_face/tokenizer_json.hpp"

#include <nlohmann/json.hpp>

#include "data/tokens/byte_tokenizer.hpp"

namespace spillway::trainer {
namespace {

using nlohmann::json;

/// Code points below 256 that stand for their own byte in the byte-level alphabet: the printable
/// ones of Latin-1. The other bytes stand, in order, at 256 and above (Radford et al. 2019,
/// section 2.2, and the released encoder's table).
bool stands_for_itself(std::uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/// UTF-8 of a code point below 0x800.
std::string utf8(std::uint32_t code_point) {
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  return {static_cast<char>(0xc0 | (code_point >> 6)),
          static_cast<char>(0x80 | (code_point & 0x3f))};
}

json byte_level(bool add_prefix_space) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", false}};
}

json vocabulary() {
  json entries = json::object();
  std::uint32_t next = 256;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    entries[utf8(stands_for_itself(byte) ? byte : next++)] = byte;
  }
  for (std::int32_t id = 256; id < data::kVocabulary; ++id) {
    entries[data::to_string(static_cast<data::ControlToken>(id))] = id;
  }
  return entries;
}

}  // namespace

std::string tokenizer_json() {
  const json model = {{"type", "BPE"},
                      {"dropout", nullptr},
                      {"unk_token", nullptr},
                      {"continuing_subword_prefix", nullptr},
                      {"end_of_word_suffix", nullptr},
                      {"fuse_unk", false},
                      {"byte_fallback", false},
                      {"ignore_merges", false},
                      {"vocab", vocabulary()},
                      {"merges", json::array()}};
  const json fields = {{"version", "1.0"},
                       {"truncation", nullptr},
                       {"padding", nullptr},
                       {"added_tokens", json::array()},
                       {"normalizer", nullptr},
                       {"pre_tokenizer", byte_level(false)},
                       {"post_processor", nullptr},
                       {"decoder", byte_level(true)},
                       {"model", model}};
  return fields.dump(2) + "\n";
}

std::string tokenizer_config_json(std::int64_t sequence_length) {
  const json fields = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                       {"clean_up_tokenization_spaces", false},
                       {"model_max_length", sequence_length}};
  return fields.dump(2) + "\n";
}

}  // namespace spillway::trainer
