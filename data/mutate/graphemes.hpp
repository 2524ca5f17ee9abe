#pragma once

#include <cstddef>
#include <string_view>

namespace spillway::data {

/// Whether a grapheme cluster (UAX #29, extended clusters of Unicode 15.0) starts or ends at byte
/// `at`. Looks only at the neighbourhood, so that no break iterator is built. Bytes of malformed
/// sequences stand alone; a position inside a sequence is never a boundary.
bool is_grapheme_boundary(std::string_view text, std::size_t at);

/// Whether other text may be put at byte `at` without joining a cluster of `text`: a boundary, no
/// mark that would attach to what is put before it, no prepended mark or joiner before it that
/// would take what is put after it.
bool is_clean_cut(std::string_view text, std::size_t at);

/// The least clean cut >= `at`; text.size() when there is none before (the end counts as clean).
std::size_t next_clean_cut(std::string_view text, std::size_t at);

}  // namespace spillway::data
