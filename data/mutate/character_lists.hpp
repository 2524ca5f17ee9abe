#pragma once

#include <span>
#include <string_view>

namespace spillway::data {

/// Characters that look like `c` but are others, with the same skeleton by Unicode's confusables
/// (UTS #39); empty when the list has none.
std::u32string_view lookalikes(char32_t c);

/// Markers with which chat formats delimit turns, as plain text.
std::span<const std::string_view> chat_markers();

/// Strings that break careless consumers: quoting, formats, paths, markup, numbers.
std::span<const std::string_view> payloads();

/// Sentences (ASCII) that order the reader to drop its task.
std::span<const std::string_view> override_sentences();

}  // namespace spillway::data
