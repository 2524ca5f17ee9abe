#include "data/corpus/shard_writer.hpp"

#include <algorithm>
#include <limits>

#include "configs/error.hpp"
#include "data/corpus/checksum.hpp"
#include "data/corpus/hdf5_handle.hpp"
#include "data/corpus/mapped_file.hpp"
#include "data/corpus/shard_reader.hpp"

namespace spillway::data {
namespace {

/// Number of `name` in `names`, entered when new.
template <class Number>
Number number_of(const std::string& name, std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    if (names.size() > std::numeric_limits<Number>::max() || name.find('\n') != std::string::npos) {
      fail_input("\"" + name + "\": too many names in one shard, or a name of several lines");
    }
    names.push_back(name);
    return static_cast<Number>(names.size() - 1);
  }
  return static_cast<Number>(found - names.begin());
}

std::vector<std::uint8_t> join_lines(const std::vector<std::string>& lines) {
  std::vector<std::uint8_t> text;
  for (const std::string& line : lines) {
    text.insert(text.end(), line.begin(), line.end());
    text.push_back('\n');
  }
  return text;
}

}  // namespace

ShardWriter::ShardWriter(std::filesystem::path path, std::uint64_t first_id)
    : path_(std::move(path)), first_id_(first_id), operators_{""} {
  table_.offsets = table_.turn_offsets = table_.origin_offsets = table_.edit_offsets =
      table_.original_offsets = {0};
}

void ShardWriter::append(const Sample& sample) {
  check_turns(sample);
  table_.bytes.insert(table_.bytes.end(), sample.bytes.begin(), sample.bytes.end());
  table_.offsets.push_back(table_.bytes.size());
  table_.category.push_back(static_cast<std::uint8_t>(sample.category));
  table_.language.push_back(number_of<std::uint8_t>(sample.language, languages_));
  append_turns(sample);
  append_provenance(sample);
}

void ShardWriter::append_turns(const Sample& sample) {
  for (const Turn& turn : sample.turns) {
    table_.turn_begin.push_back(turn.begin);
    table_.turn_end.push_back(turn.end);
    table_.turn_role.push_back(number_of<std::uint8_t>(turn.role, roles_));
  }
  table_.turn_offsets.push_back(table_.turn_begin.size());
}

void ShardWriter::append_provenance(const Sample& sample) {
  const Provenance& provenance = sample.provenance;
  table_.base_id.push_back(provenance.base_id);
  table_.operation.push_back(number_of<std::uint16_t>(provenance.operator_name, operators_));
  table_.key.push_back(provenance.key);
  table_.label_effect.push_back(static_cast<std::uint8_t>(provenance.label_effect));
  table_.origin.insert(table_.origin.end(), sample.origin.begin(), sample.origin.end());
  table_.origin_offsets.push_back(table_.origin.size());
  for (const Edit& edit : provenance.edits.edits) {
    table_.edit_begin.push_back(edit.mutant_begin);
    table_.edit_length.push_back(edit.mutant_length);
    table_.original.insert(table_.original.end(), edit.original.begin(), edit.original.end());
    table_.original_offsets.push_back(table_.original.size());
  }
  table_.edit_offsets.push_back(table_.edit_begin.size());
}

void ShardWriter::write_columns(const std::filesystem::path& path) const {
  // The newest format, because its object headers carry checksums.
  Hdf5File file = Hdf5File::create(path, Hdf5Format::latest);
  for_each_column(table_, [&](const char* name, const auto& column) { file.write(name, column); });
  file.set_attribute("/", "format", "spillway corpus shard 1");
  file.set_attribute("/", "first_id", first_id_);
  file.set_attribute("/", "samples", samples());
  file.set_attribute("/", "tool_version", SPILLWAY_VERSION);
  file.close();
}

ShardEntry ShardWriter::seal() {
  table_.languages = join_lines(languages_);
  table_.roles = join_lines(roles_);
  table_.operators = join_lines(operators_);
  const ShardTable<MappedColumn> view = view_of(table_);
  const std::uint64_t names = names_checksum(view);
  for (std::size_t i = 0; i < samples(); ++i) {
    table_.data_checksum.push_back(data_checksum(view, i, first_id_ + i, names));
    table_.provenance_checksum.push_back(provenance_checksum(view, i, first_id_ + i, names));
  }
  const std::filesystem::path unfinished = path_.string() + ".tmp";
  write_columns(unfinished);
  std::string root =
      to_hex(checksum(std::span<const std::uint64_t>(table_.provenance_checksum),
                      checksum(std::span<const std::uint64_t>(table_.data_checksum))));
  {
    const ShardReader written(unfinished, first_id_, ShardReader::Expect::unsealed);
    for (std::size_t i = 0; i < samples(); ++i) {
      if (const std::string complaint = written.complaint(i); !complaint.empty())
        fail("just written: " + complaint);
    }
    if (written.root() != root)
      fail("just written: " + unfinished.string() + ": checksums differ from those in memory");
  }
  Hdf5File file = Hdf5File::open_for_update(unfinished);
  file.set_attribute("/", "root", root);
  file.set_attribute("/", "sealed", std::uint64_t{1});
  file.close();
  sync_to_disk(unfinished);
  std::string hash = to_hex(file_checksum(unfinished));
  std::filesystem::rename(unfinished, path_);
  sync_to_disk(path_.parent_path());
  return {path_.filename().string(), first_id_,      samples(), bytes(),
          std::move(hash),           std::move(root)};
}

}  // namespace spillway::data
