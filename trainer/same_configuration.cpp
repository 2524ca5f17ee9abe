#include "trainer/same_configuration.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/error.hpp"
#include "configs/load.hpp"
#include "trainer/checkpoint/agreement.hpp"
#include "trainer/checkpoint/checksum.hpp"

namespace spillway::trainer {
namespace {

struct Setting {
  std::string name;
  std::string value;
};

/// TOML writes plain text in single quotes.
std::string in_double_quotes(std::string_view value) {
  const bool plain = value.size() >= 2 && value.front() == '\'' && value.back() == '\'';
  return plain ? "\"" + std::string(value.substr(1, value.size() - 2)) + "\"" : std::string(value);
}

/// "[run]  # ..." and "seed = 1" become {"run.seed", "1"}; a table of an array is numbered by its
/// order.
std::vector<Setting> settings_of(std::string_view toml) {
  std::vector<Setting> settings;
  std::string section;
  int table = 0;
  while (!toml.empty()) {
    const std::string_view line = toml.substr(0, toml.find('\n'));
    toml.remove_prefix(std::min(toml.size(), line.size() + 1));
    const std::size_t equals = line.find(" = ");
    if (line.starts_with("[[")) {
      section =
          std::string(line.substr(2, line.find("]]") - 2)) + "[" + std::to_string(table++) + "]";
    } else if (line.starts_with("[")) {
      section = line.substr(1, line.find(']') - 1);
      table = 0;
    } else if (equals != std::string_view::npos) {
      settings.push_back({section + "." + std::string(line.substr(0, equals)),
                          in_double_quotes(line.substr(equals + 3))});
    }
  }
  return settings;
}

}  // namespace

std::optional<SettingDifference> first_difference(const std::string& first,
                                                  const std::string& second) {
  if (first == second) return std::nullopt;
  const std::vector<Setting> a = settings_of(first), b = settings_of(second);
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (i < a.size() && i < b.size() && a[i].name == b[i].name) {
      if (a[i].value != b[i].value) return SettingDifference{a[i].name, a[i].value, b[i].value};
    } else {
      // One of them has a table more.
      const bool only_second = i >= a.size() || (i < b.size() && b.size() > a.size());
      return only_second ? SettingDifference{b[i].name, "nothing", b[i].value}
                         : SettingDifference{a[i].name, a[i].value, "nothing"};
    }
  }
  return std::nullopt;
}

void check_same_configuration(const config::Config& config, comm::Communicator& world) {
  const std::string mine = config::to_toml(config);
  const std::vector<std::string> sums = gather_text(world, checksum(mine));
  const auto other = std::find_if(sums.begin(), sums.end(),
                                  [&](const std::string& sum) { return sum != sums.front(); });
  if (other == sums.end()) return;
  const int rank = static_cast<int>(other - sums.begin());
  const auto found =
      first_difference(broadcast_text(world, mine, 0), broadcast_text(world, mine, rank));
  const std::string what = found ? found->name + " = " + found->second + ", rank 0 " + found->first
                                 : "another configuration than rank 0";
  throw Error(
      ErrorKind::input,
      "rank " + std::to_string(rank) + " has " + what + "; give every rank the same configuration",
      ThrownBy::all_ranks);
}

}  // namespace spillway::trainer
