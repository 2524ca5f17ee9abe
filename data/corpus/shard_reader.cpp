#include "data/corpus/shard_reader.hpp"

#include <array>

#include "configs/error.hpp"
#include "data/corpus/checksum.hpp"
#include "data/corpus/hdf5_handle.hpp"

namespace spillway::data {
namespace {

std::vector<std::string> split_lines(std::span<const std::uint8_t> text) {
  std::vector<std::string> lines;
  std::string line;
  for (const std::uint8_t byte : text) {
    if (byte == '\n')
      lines.push_back(std::exchange(line, {}));
    else
      line.push_back(static_cast<char>(byte));
  }
  return lines;
}

std::string text_of(std::span<const std::uint8_t> bytes, std::uint64_t begin, std::uint64_t end) {
  return {reinterpret_cast<const char*>(bytes.data()) + begin, end - begin};
}

}  // namespace

ShardReader::ShardReader(const std::filesystem::path& path, std::uint64_t first_id, Expect expect)
    : path_(path), first_id_(first_id) {
  try {
    map_columns();
    check_lengths();
    const bool sealed = Hdf5File::open(path).has_attribute("/", "sealed");
    if (sealed != (expect == Expect::sealed))
      fail_input("not sealed, so its writer did not finish");
  } catch (const Error& error) {
    const std::string name = "corpus shard " + path.string();
    const std::string what = error.what();
    fail_input(what.starts_with(path.string()) ? "corpus shard " + what : name + ": " + what);
  }
  languages_ = split_lines(table_.languages);
  roles_ = split_lines(table_.roles);
  operators_ = split_lines(table_.operators);
  names_ = names_checksum(table_);
}

void ShardReader::map_columns() {
  const Hdf5File file = Hdf5File::open(path_);
  file_ = MappedFile(path_);
  for_each_column(table_, [&](const char* name, auto& column) {
    using Element = typename std::remove_reference_t<decltype(column)>::element_type;
    const DatasetInfo info = file.describe(name);
    if (info.type != element_type<std::remove_const_t<Element>>()) {
      fail_input(path_.string() + ": dataset " + name + " holds " + to_string(info.type));
    }
    if (info.offset % sizeof(Element) != 0 || info.bytes > file_.size() ||
        info.offset > file_.size() - info.bytes) {
      fail_input(path_.string() + ": dataset " + name + " lies outside the file of " +
                 std::to_string(file_.size()) + " bytes");
    }
    if (info.bytes == 0) return;
    column = {reinterpret_cast<Element*>(file_.data() + info.offset), info.bytes / sizeof(Element)};
  });
}

void ShardReader::check_lengths() const {
  const std::size_t n = table_.category.size(), turns = table_.turn_begin.size(),
                    edits = table_.edit_begin.size();
  const std::array<std::pair<std::size_t, std::size_t>, 14> lengths{
      {{table_.offsets.size(), n + 1},
       {table_.language.size(), n},
       {table_.data_checksum.size(), n},
       {table_.turn_offsets.size(), n + 1},
       {table_.turn_end.size(), turns},
       {table_.turn_role.size(), turns},
       {table_.base_id.size(), n},
       {table_.operation.size(), n},
       {table_.key.size(), n},
       {table_.label_effect.size(), n},
       {table_.origin_offsets.size(), n + 1},
       {table_.edit_offsets.size(), n + 1},
       {table_.original_offsets.size(), edits + 1},
       {table_.provenance_checksum.size(), n}}};
  for (const auto& [given, expected] : lengths) {
    if (given != expected) {
      fail_input(path_.string() + ": a column has " + std::to_string(given) + " entries where " +
                 std::to_string(expected) + " belong");
    }
  }
  if (table_.edit_length.size() != edits) fail_input(path_.string() + ": edits of unequal columns");
}

std::string ShardReader::where(std::size_t i) const {
  return "corpus shard " + path_.string() + ", sample " + std::to_string(first_id_ + i);
}

void ShardReader::check_data(std::size_t i) const {
  if (i >= size()) fail(where(i) + ": the shard holds " + std::to_string(size()) + " samples");
  if (!row_fits(table_, i, languages_, roles_, operators_) ||
      data_checksum(table_, i, first_id_ + i, names_) != table_.data_checksum[i]) {
    fail(where(i) + ": checksum does not match; the file is damaged");
  }
}

std::vector<Turn> ShardReader::turns(std::size_t i) const {
  std::vector<Turn> turns;
  for (std::uint64_t turn = table_.turn_offsets[i]; turn < table_.turn_offsets[i + 1]; ++turn) {
    turns.push_back(
        {table_.turn_begin[turn], table_.turn_end[turn], roles_[table_.turn_role[turn]]});
  }
  return turns;
}

SampleView ShardReader::view(std::size_t i) const {
  check_data(i);
  return {.id = first_id_ + i,
          .base_id = table_.base_id[i],
          .bytes = {reinterpret_cast<const char*>(table_.bytes.data()) + table_.offsets[i],
                    table_.offsets[i + 1] - table_.offsets[i]},
          .category = static_cast<Category>(table_.category[i]),
          .mutated = table_.operation[i] != 0,
          .turns = turns(i)};
}

Sample ShardReader::get(std::size_t i) const {
  const SampleView head = view(i);
  if (provenance_checksum(table_, i, first_id_ + i, names_) != table_.provenance_checksum[i]) {
    fail(where(i) + ": checksum of its provenance does not match; the file is damaged");
  }
  Sample sample{
      .id = head.id,
      .bytes = std::string(head.bytes),
      .category = head.category,
      .language = languages_[table_.language[i]],
      .origin = text_of(table_.origin, table_.origin_offsets[i], table_.origin_offsets[i + 1]),
      .turns = head.turns,
      .provenance = {.base_id = head.base_id,
                     .operator_name = operators_[table_.operation[i]],
                     .key = table_.key[i],
                     .edits = {},
                     .label_effect = static_cast<LabelEffect>(table_.label_effect[i])}};
  for (std::uint64_t edit = table_.edit_offsets[i]; edit < table_.edit_offsets[i + 1]; ++edit) {
    sample.provenance.edits.edits.push_back({table_.edit_begin[edit], table_.edit_length[edit],
                                             text_of(table_.original, table_.original_offsets[edit],
                                                     table_.original_offsets[edit + 1])});
  }
  return sample;
}

std::string ShardReader::complaint(std::size_t i) const {
  try {
    check_data(i);
  } catch (const Error& error) {
    return error.what();
  }
  if (provenance_checksum(table_, i, first_id_ + i, names_) == table_.provenance_checksum[i])
    return "";
  return where(i) + ": checksum of its provenance does not match; the file is damaged";
}

std::string ShardReader::root() const {
  return to_hex(checksum(table_.provenance_checksum, checksum(table_.data_checksum)));
}

}  // namespace spillway::data
