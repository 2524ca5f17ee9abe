#include "trainer/same_configuration.hpp"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <vector>

#include "configs/error.hpp"
#include "configs/load.hpp"
#include "trainer/checkpoint/agreement.hpp"
#include "trainer/checkpoint/checksum.hpp"

namespace spillway::trainer {
namespace {

/// TOML writes plain text in single quotes.
std::string in_double_quotes(std::string_view value) {
  const bool plain = value.size() >= 2 && value.front() == '\'' && value.back() == '\'';
  return plain ? "\"" + std::string(value.substr(1, value.size() - 2)) + "\"" : std::string(value);
}

struct Line {
  std::string name, value;
  bool operator==(const Line&) const = default;
};

/// Empty at the end.
Line next_line(std::istringstream& text) {
  std::string line;
  if (!std::getline(text, line)) return {};
  const std::size_t end = line.find(" = ");
  return end == std::string::npos ? Line{line, ""}
                                  : Line{line.substr(0, end), line.substr(end + 3)};
}

}  // namespace

std::string setting_lines(const config::Config& config) {
  std::string lines;
  for (const auto& [name, value] : config::setting_values(config))
    lines.append(name).append(" = ").append(in_double_quotes(value)).append("\n");
  return lines;
}

std::optional<SettingDifference> first_difference(const std::string& first,
                                                  const std::string& second) {
  std::istringstream a(first), b(second);
  while (a || b) {
    const Line one = next_line(a), other = next_line(b);
    if (one == other) continue;
    const bool only_second = one.name.empty();
    if (one.name == other.name) return SettingDifference{one.name, one.value, other.value};
    return only_second ? SettingDifference{other.name, "nothing", other.value}
                       : SettingDifference{one.name, one.value, "nothing"};
  }
  return std::nullopt;
}

void check_same_configuration(const config::Config& config, comm::Communicator& world) {
  const std::string mine = setting_lines(config);
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
