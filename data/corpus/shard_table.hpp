#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/corpus/sample.hpp"

namespace spillway::data {

template <class T>
using OwnedColumn = std::vector<T>;
template <class T>
using MappedColumn = std::span<const T>;

/// The columns of a shard of n samples, in compressed sparse rows: row i of a ragged column X is
/// X[X_offsets[i], X_offsets[i + 1]). A shard under construction owns its columns, a sealed one
/// maps them. Names of the datasets: for_each_column().
template <template <class> class Column>
struct ShardTable {
  // data: what a model is fed
  Column<std::uint8_t> bytes;
  Column<std::uint64_t> offsets;        // [n + 1]
  Column<std::uint8_t> category;        // [n]
  Column<std::uint8_t> language;        // [n], into languages
  Column<std::uint64_t> data_checksum;  // [n]
  // dialogue
  Column<std::uint64_t> turn_offsets;  // [n + 1]
  Column<std::uint32_t> turn_begin, turn_end;
  Column<std::uint8_t> turn_role;  // into roles
  // provenance
  Column<std::uint64_t> base_id;         // [n]
  Column<std::uint16_t> operation;       // [n], into operators
  Column<std::uint64_t> key;             // [n]
  Column<std::uint8_t> label_effect;     // [n]
  Column<std::uint64_t> origin_offsets;  // [n + 1]
  Column<std::uint8_t> origin;
  Column<std::uint64_t> edit_offsets;  // [n + 1]
  Column<std::uint64_t> edit_begin, edit_length;
  Column<std::uint64_t> original_offsets;  // [edits + 1]
  Column<std::uint8_t> original;
  Column<std::uint64_t> provenance_checksum;  // [n]
  // names that small integers above stand for, each followed by a newline
  Column<std::uint8_t> languages, roles, operators;
};

/// Calls visit(dataset name, column) for every column.
template <class Table, class Visit>
void for_each_column(Table& table, Visit&& visit) {
  visit("data/bytes", table.bytes);
  visit("data/offsets", table.offsets);
  visit("data/category", table.category);
  visit("data/language", table.language);
  visit("data/checksum", table.data_checksum);
  visit("dialogue/turn_offsets", table.turn_offsets);
  visit("dialogue/turn_begin", table.turn_begin);
  visit("dialogue/turn_end", table.turn_end);
  visit("dialogue/turn_role", table.turn_role);
  visit("provenance/base_id", table.base_id);
  visit("provenance/operator", table.operation);
  visit("provenance/key", table.key);
  visit("provenance/label_effect", table.label_effect);
  visit("provenance/origin_offsets", table.origin_offsets);
  visit("provenance/origin", table.origin);
  visit("provenance/edit_offsets", table.edit_offsets);
  visit("provenance/edit_begin", table.edit_begin);
  visit("provenance/edit_length", table.edit_length);
  visit("provenance/original_offsets", table.original_offsets);
  visit("provenance/original", table.original);
  visit("provenance/checksum", table.provenance_checksum);
  visit("names/languages", table.languages);
  visit("names/roles", table.roles);
  visit("names/operators", table.operators);
}

/// The same columns, seen but not owned.
ShardTable<MappedColumn> view_of(const ShardTable<OwnedColumn>& table);

/// Hash of the names, which seeds every sample's checksums: a changed name is a changed sample.
std::uint64_t names_checksum(const ShardTable<MappedColumn>& table);

/// Whether the offsets of row `i` ascend and lie within their columns, and its name numbers are
/// known. Columns must have the lengths noted above.
bool row_fits(const ShardTable<MappedColumn>& table, std::size_t i,
              const std::vector<std::string>& languages, const std::vector<std::string>& roles,
              const std::vector<std::string>& operators);

/// Checksums of row `i`, which must fit: over its bytes, turns, category and language; over its
/// provenance. `id` is the sample's.
std::uint64_t data_checksum(const ShardTable<MappedColumn>& table, std::size_t i, std::uint64_t id,
                            std::uint64_t names);
std::uint64_t provenance_checksum(const ShardTable<MappedColumn>& table, std::size_t i,
                                  std::uint64_t id, std::uint64_t names);

}  // namespace spillway::data
