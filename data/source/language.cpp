#include "data/source/language.hpp"

#include <cstdint>
#include <map>

#include "data/source/utf8.hpp"

namespace spillway::data {
namespace {

const std::map<std::string, std::string>& languages_of_folders() {
  static const std::map<std::string, std::string> kNames{{"bengali", "bn"},
                                                         {"chinese", "zh"},
                                                         {"dutch", "nl"},
                                                         {"english", "en"},
                                                         {"french", "fr"},
                                                         {"german", "de"},
                                                         {"hebrew", "he"},
                                                         {"hindi", "hi"},
                                                         {"hinglish", "hi"},
                                                         {"indonesian", "id"},
                                                         {"italian", "it"},
                                                         {"japanese", "ja"},
                                                         {"korean", "ko"},
                                                         {"marathi", "mr"},
                                                         {"oriya", "or"},
                                                         {"persian", "fa"},
                                                         {"portuguese", "pt"},
                                                         {"russian", "ru"},
                                                         {"spanish", "es"},
                                                         {"swedish", "sv"},
                                                         {"tamil", "ta"},
                                                         {"tchinese", "zh"},
                                                         {"telugu", "te"},
                                                         {"thai", "th"},
                                                         {"traditionalchinese", "zh"},
                                                         {"turkish", "tr"},
                                                         {"ukrainian", "uk"},
                                                         {"urdu", "ur"},
                                                         {"vietnamese", "vi"},
                                                         {"yoruba", "yo"}};
  return kNames;
}

struct ScriptCounts {
  std::uint64_t han = 0, kana = 0, hangul = 0, letters = 0;
};

ScriptCounts count_scripts(std::string_view text) {
  ScriptCounts counts;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    at += point.length == 0 ? 1 : point.length;
    const char32_t c = point.value;
    const bool han = (c >= 0x3400 && c <= 0x9fff) || (c >= 0x20000 && c <= 0x3ffff);
    const bool kana = c >= 0x3040 && c <= 0x30ff;
    const bool hangul = (c >= 0xac00 && c <= 0xd7a3) || (c >= 0x1100 && c <= 0x11ff);
    counts.han += han;
    counts.kana += kana;
    counts.hangul += hangul;
    counts.letters += c >= 0xc0 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }
  return counts;
}

}  // namespace

std::string language_of_path(const std::filesystem::path& path) {
  std::string before;
  for (const std::filesystem::path& component : path.parent_path()) {
    const std::string name = component.string();
    if (before == "translations" && name.size() == 5 && name[2] == '_')
      return name.starts_with("sp") ? "es" : name.substr(0, 2);
    if (const auto found = languages_of_folders().find(name); found != languages_of_folders().end())
      return found->second;
    before = name;
  }
  return "";
}

std::string language_of(std::string_view text, const std::string& of_path) {
  const ScriptCounts counts = count_scripts(text);
  if (of_path == "zh") return counts.han > 0 ? "zh" : "en";
  if (of_path == "ja") return counts.han + counts.kana > 0 ? "ja" : "en";
  if (of_path == "ko") return counts.hangul > 0 ? "ko" : "en";
  if (!of_path.empty()) return of_path;
  if (10 * counts.hangul >= 3 * counts.letters && counts.hangul > 0) return "ko";
  if (10 * (counts.kana + counts.han) >= 3 * counts.letters && counts.kana > 0) return "ja";
  if (10 * counts.han >= 3 * counts.letters && counts.han > 0) return "zh";
  return "en";
}

}  // namespace spillway::data
