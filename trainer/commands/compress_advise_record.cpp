#include "trainer/commands/compress_advise_record.hpp"

namespace spillway::trainer {
namespace {

using nlohmann::json;

json to_json(const ExchangeCost& cost) {
  json traffic = json::array();
  for (const comm::OperationTraffic& one : cost.traffic.by_operation)
    traffic.push_back({one.calls, one.payload_bytes});
  return {cost.compress_seconds, cost.wire_seconds, cost.decompress_seconds, traffic};
}

ExchangeCost cost_of(const json& text) {
  ExchangeCost cost{text.at(0).get<double>(), text.at(1).get<double>(), text.at(2).get<double>()};
  for (std::size_t i = 0; i < comm::kOperations; ++i) {
    cost.traffic.by_operation[i].calls = text.at(3).at(i).at(0).get<std::int64_t>();
    cost.traffic.by_operation[i].payload_bytes = text.at(3).at(i).at(1).get<std::int64_t>();
  }
  return cost;
}

json to_json(const std::vector<ExchangeCost>& costs) {
  json all = json::array();
  for (const ExchangeCost& cost : costs) all.push_back(to_json(cost));
  return all;
}

std::vector<ExchangeCost> costs_of(const json& text) {
  std::vector<ExchangeCost> costs;
  for (const json& one : text) costs.push_back(cost_of(one));
  return costs;
}

}  // namespace

std::string to_text(const RankRecord& record) {
  json groups = json::array(), methods = json::array();
  for (const ParameterGroup& group : record.groups)
    groups.push_back({group.pattern, group.shape, group.in_bucket});
  for (const MethodCost& method : record.methods)
    methods.push_back({method.name, to_json(method.buckets), to_json(method.groups)});
  const StepBase& base = record.base;
  return json{{"base",
               {base.compute_seconds, base.update_seconds, base.rate_beside_compute,
                base.rate_beside_wire}},
              {"ready", record.ready_seconds},
              {"groups", groups},
              {"methods", methods}}
      .dump();
}

RankRecord record_from_text(const std::string& text) {
  const json all = json::parse(text);
  RankRecord record;
  const auto base = all.at("base").get<std::vector<double>>();
  record.base = {base.at(0), base.at(1), base.at(2), base.at(3)};
  all.at("ready").get_to(record.ready_seconds);
  for (const json& group : all.at("groups")) {
    record.groups.push_back({group.at(0).get<std::string>(),
                             group.at(1).get<std::vector<std::int64_t>>(),
                             group.at(2).get<std::vector<std::int64_t>>()});
  }
  for (const json& method : all.at("methods")) {
    record.methods.push_back(
        {method.at(0).get<std::string>(), costs_of(method.at(1)), costs_of(method.at(2))});
  }
  return record;
}

}  // namespace spillway::trainer
