#include "trainer/commands/corpus_text.hpp"

#include <cstdio>
#include <sstream>

#include "data/source/utf8.hpp"

namespace spillway::trainer {
namespace {

/// Characters that would hide, reorder or erase what stands beside them.
bool is_invisible(char32_t c) {
  return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) || c == 0xad ||
         c == 0x34f || c == 0x61c || (c >= 0x180b && c <= 0x180f) || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
         (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
         (c >= 0xe000 && c <= 0xf8ff) || c >= 0xe0000;
}

std::string counts_text(const std::string& title,
                        const std::map<std::string, std::uint64_t>& counts) {
  if (counts.empty()) return "";
  std::ostringstream text;
  text << title << "\n";
  for (const auto& [name, count] : counts) {
    std::string head = "  " + name;
    head.resize(std::max<std::size_t>(head.size() + 1, 34), ' ');
    text << head << with_commas(count) << "\n";
  }
  return text.str();
}

}  // namespace

std::string with_commas(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string readable_bytes(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string printable(std::string_view bytes) {
  std::string text;
  char code[24];
  for (std::size_t at = 0; at < bytes.size();) {
    const data::CodePoint point = data::code_point_at(bytes, at);
    if (point.length == 0) {
      std::snprintf(code, sizeof code, "\\x%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(bytes[at++])));
      text += code;
      continue;
    }
    if (is_invisible(point.value)) {
      std::snprintf(code, sizeof code, "\\u{%x}", static_cast<unsigned>(point.value));
      text += code;
    } else {
      text += bytes.substr(at, point.length);
    }
    at += point.length;
  }
  return text;
}

nlohmann::json summary_of(const data::Manifest& manifest) {
  return {{"name", manifest.name},
          {"root", manifest.root},
          {"parent", manifest.parent},
          {"parent_root", manifest.parent_root},
          {"samples", manifest.samples},
          {"base_samples", manifest.base_count},
          {"bytes", manifest.bytes},
          {"shards", manifest.shards.size()},
          {"categories", manifest.categories},
          {"languages", manifest.languages},
          {"operators", manifest.operators}};
}

std::string summary_text(const data::Manifest& manifest) {
  std::string text =
      "corpus " + manifest.name + ": " + with_commas(manifest.samples) + " samples, " +
      readable_bytes(manifest.bytes) + ", " + std::to_string(manifest.shards.size()) +
      (manifest.shards.size() == 1 ? " shard" : " shards") + ", root " + manifest.root + "\n";
  if (!manifest.parent.empty()) {
    text += "grown from " + manifest.parent + " (" + with_commas(manifest.base_count) +
            " base samples, root " + manifest.parent_root + ")\n";
  }
  return text + counts_text("categories", manifest.categories) +
         counts_text("languages", manifest.languages) +
         counts_text("operators", manifest.operators);
}

}  // namespace spillway::trainer
