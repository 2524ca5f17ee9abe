#include "data/corpus/shard_table.hpp"

#include <array>

#include "data/corpus/checksum.hpp"

namespace spillway::data {
namespace {

template <class T>
std::span<const T> row(std::span<const T> values, std::span<const std::uint64_t> offsets,
                       std::size_t i) {
  return values.subspan(offsets[i], offsets[i + 1] - offsets[i]);
}

bool range_fits(std::span<const std::uint64_t> offsets, std::size_t i, std::uint64_t limit) {
  return offsets[i] <= offsets[i + 1] && offsets[i + 1] <= limit;
}

}  // namespace

ShardTable<MappedColumn> view_of(const ShardTable<OwnedColumn>& table) {
  ShardTable<MappedColumn> view;
  std::vector<std::pair<const void*, std::size_t>> columns;
  for_each_column(table, [&](const char*, const auto& column) {
    columns.emplace_back(column.data(), column.size());
  });
  std::size_t next = 0;
  for_each_column(view, [&](const char*, auto& column) {
    using Element = typename std::remove_reference_t<decltype(column)>::element_type;
    column = {static_cast<Element*>(columns[next].first), columns[next].second};
    ++next;
  });
  return view;
}

std::uint64_t names_checksum(const ShardTable<MappedColumn>& table) {
  const std::array parts{checksum(table.languages), checksum(table.roles),
                         checksum(table.operators)};
  return checksum(std::span<const std::uint64_t>(parts));
}

bool row_fits(const ShardTable<MappedColumn>& table, std::size_t i,
              const std::vector<std::string>& languages, const std::vector<std::string>& roles,
              const std::vector<std::string>& operators) {
  if (!range_fits(table.offsets, i, table.bytes.size()) ||
      !range_fits(table.turn_offsets, i, table.turn_begin.size()) ||
      !range_fits(table.origin_offsets, i, table.origin.size()) ||
      !range_fits(table.edit_offsets, i, table.edit_begin.size())) {
    return false;
  }
  if (table.category[i] >= kCategories ||
      table.label_effect[i] > static_cast<int>(LabelEffect::undefined) ||
      table.language[i] >= languages.size() || table.operation[i] >= operators.size()) {
    return false;
  }
  const std::uint64_t length = table.offsets[i + 1] - table.offsets[i];
  for (std::uint64_t turn = table.turn_offsets[i]; turn < table.turn_offsets[i + 1]; ++turn) {
    if (table.turn_begin[turn] > table.turn_end[turn] || table.turn_end[turn] > length ||
        table.turn_role[turn] >= roles.size()) {
      return false;
    }
  }
  for (std::uint64_t edit = table.edit_offsets[i]; edit < table.edit_offsets[i + 1]; ++edit) {
    if (!range_fits(table.original_offsets, edit, table.original.size())) return false;
  }
  return true;
}

std::uint64_t data_checksum(const ShardTable<MappedColumn>& table, std::size_t i, std::uint64_t id,
                            std::uint64_t names) {
  const std::array parts{
      checksum(row(table.bytes, table.offsets, i)),
      checksum(row(table.turn_begin, table.turn_offsets, i)),
      checksum(row(table.turn_end, table.turn_offsets, i)),
      checksum(row(table.turn_role, table.turn_offsets, i)),
      std::uint64_t{table.category[i]} << 8 | table.language[i],
      table.offsets[i],
      table.turn_offsets[i],
      id,
  };
  return checksum(std::span<const std::uint64_t>(parts), names);
}

std::uint64_t provenance_checksum(const ShardTable<MappedColumn>& table, std::size_t i,
                                  std::uint64_t id, std::uint64_t names) {
  const std::uint64_t edits = table.edit_offsets[i], edits_end = table.edit_offsets[i + 1];
  const std::uint64_t originals = table.original_offsets[edits];
  const std::array parts{
      checksum(row(table.origin, table.origin_offsets, i)),
      checksum(row(table.edit_begin, table.edit_offsets, i)),
      checksum(row(table.edit_length, table.edit_offsets, i)),
      checksum(table.original_offsets.subspan(edits, edits_end - edits + 1)),
      checksum(table.original.subspan(originals, table.original_offsets[edits_end] - originals)),
      table.base_id[i],
      std::uint64_t{table.operation[i]} << 8 | table.label_effect[i],
      table.key[i],
      table.origin_offsets[i],
      edits,
      id,
  };
  return checksum(std::span<const std::uint64_t>(parts), names);
}

}  // namespace spillway::data
