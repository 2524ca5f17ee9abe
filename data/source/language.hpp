#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace spillway::data {

/// Language that a path announces: ".../translations/zh_CN/..." or a folder "chinese"; empty when
/// it says nothing.
std::string language_of_path(const std::filesystem::path& path);

/// Language of a text. Where the path says zh, ja or ko, the text must use that script, otherwise
/// it is English (code, licences). Where the path says nothing the script decides: Hangul ko, kana
/// ja, three tenths of the letters Han zh, anything else en.
std::string language_of(std::string_view text, const std::string& of_path);

}  // namespace spillway::data
