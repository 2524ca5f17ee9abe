#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "parallel/comm/traffic.hpp"
#include "trainer/commands/compress_advise_model.hpp"

namespace spillway::trainer {

/// What one exchange took on one rank, and what it gave to its communicator.
struct ExchangeCost {
  double compress_seconds = 0, wire_seconds = 0, decompress_seconds = 0;
  comm::TrafficSnapshot traffic = {};  ///< calls and payload bytes

  double compute_seconds() const { return compress_seconds + decompress_seconds; }
};

/// Parameters that differ in the number of their layer only: "layers.*.mlp.up.weight".
struct ParameterGroup {
  std::string pattern;
  std::vector<std::int64_t> shape = {};
  std::vector<std::int64_t> in_bucket = {};  ///< how many of them are in each bucket
};

struct MethodCost {
  std::string name;                        ///< of the cell
  std::vector<ExchangeCost> buckets = {};  ///< whole
  std::vector<ExchangeCost> groups = {};   ///< one parameter of each group, alone
};

/// What one rank measured.
struct RankRecord {
  StepBase base = {};
  std::vector<double> ready_seconds = {};  ///< of its buckets
  std::vector<ParameterGroup> groups = {};
  std::vector<MethodCost> methods = {};
};

/// As text between ranks.
std::string to_text(const RankRecord& record);
RankRecord record_from_text(const std::string& text);

}  // namespace spillway::trainer
