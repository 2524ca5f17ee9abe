#include "trainer/commands/compress_advise_report.hpp"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

#include "trainer/commands/compress_advise_rules.hpp"
#include "trainer/commands/text_table.hpp"

namespace spillway::trainer {
namespace {

/// A mix must be this much shorter than the best method to be worth its rules.
constexpr double kWorthwhile = 0.98;
/// Bytes/s; a method that pays up to here pays always.
constexpr double kFastestShown = 1e12;

[[gnu::format(printf, 1, 2)]] std::string text(const char* format, ...) {
  std::array<char, 400> line{};
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line.data(), line.size(), format, arguments);
  va_end(arguments);
  return line.data();
}

/// Payload bytes/s as the bits/s of the link that carries them.
double link_bits(double bytes_per_second) { return bytes_per_second * 8 * 1514 / 1448; }

std::string bandwidth_text(std::optional<double> bytes_per_second) {
  if (!bytes_per_second) return "never";
  const double bits = link_bits(*bytes_per_second);
  if (*bytes_per_second >= kFastestShown) return "always";
  return bits >= 1e9 ? text("%.3g Gbit/s", bits / 1e9) : text("%.3g Mbit/s", bits / 1e6);
}

nlohmann::ordered_json bits_json(std::optional<double> bytes_per_second) {
  if (!bytes_per_second) return nullptr;
  return link_bits(std::min(*bytes_per_second, kFastestShown));  // JSON has no infinity
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string all;
  for (const std::int64_t one : shape) all += (all.empty() ? "" : "x") + std::to_string(one);
  return all;
}

/// The best method that sends fewer bytes than the baseline.
const MethodAdvice* best_compressor(const Advice& advice) {
  const MethodAdvice* best = nullptr;
  for (const MethodAdvice& one : advice.methods) {
    const bool smaller = one.payload_bytes < 0.99 * advice.methods.front().payload_bytes;
    if (smaller && (!best || one.step_seconds < best->step_seconds)) best = &one;
  }
  return best;
}

std::string link_text(const AdviceInput& input) {
  const comm::LinkModel& link = input.link;
  return text(
      "link       %s a host, %.1f us a message, burst %.0f kB; %d replicas on %d host%s%s\n",
      bandwidth_text(link.bytes_per_second).c_str(), 1e6 * link.latency_seconds,
      link.burst_bytes / 1e3, link.ranks, link.hosts, link.hosts == 1 ? "" : "s",
      input.link_is_present ? ", measured" : "");
}

std::string method_table(const Advice& advice) {
  TextTable table(
      {"method", "step ms", "exposed", "compress", "wire", "decompress", "KiB/step", "pays below"});
  table.align_left("method");
  for (const MethodAdvice& one : advice.methods) {
    table.add({one.name, text("%.2f", 1e3 * one.step_seconds),
               text("%.2f", 1e3 * one.exposed_seconds), text("%.2f", 1e3 * one.compress_seconds),
               text("%.2f", 1e3 * one.wire_seconds), text("%.2f", 1e3 * one.decompress_seconds),
               text("%.1f", one.payload_bytes / 1024),
               &one == &advice.methods.front() ? "(baseline)" : bandwidth_text(one.break_even)});
  }
  return table.text();
}

/// Whether the mix is worth its rules: faster than every method alone.
bool mix_pays(const Advice& advice) {
  return advice.mix_seconds < kWorthwhile * advice.methods[advice.best].step_seconds;
}

std::string group_table(const Advice& advice) {
  TextTable table(
      {"parameters", "count", "shape", "best", "us each", "bf16 us", "pays below", "compressor"});
  for (const char* column : {"parameters", "shape", "best", "compressor"}) table.align_left(column);
  for (const GroupAdvice& one : advice.groups) {
    table.add({one.group.pattern, std::to_string(one.count), shape_text(one.group.shape), one.best,
               text("%.1f", 1e6 * one.best_seconds), text("%.1f", 1e6 * one.baseline_seconds),
               bandwidth_text(one.break_even), one.compressor});
  }
  return table.text();
}

}  // namespace

std::string advice_verdict(const AdviceInput& input, const Advice& advice) {
  const MethodAdvice& baseline = advice.methods.front();
  const MethodAdvice* compressor = best_compressor(advice);
  const auto milliseconds = [](double seconds) { return text("%.2f ms", 1e3 * seconds); };
  const bool pays = compressor && compressor->step_seconds < kWorthwhile * baseline.step_seconds;
  if (!pays) {
    std::string verdict = "compression does not pay here: " + baseline.name + " takes " +
                          milliseconds(baseline.step_seconds) + " a step";
    if (!compressor) return verdict + ", and no other method sends fewer bytes";
    return verdict + ", the best compressor, " + compressor->name + ", " +
           milliseconds(compressor->step_seconds) + "; it pays below " +
           bandwidth_text(compressor->break_even) + " (here " +
           bandwidth_text(input.link.bytes_per_second) + ")";
  }
  std::string verdict = compressor->name + " pays: " + milliseconds(compressor->step_seconds) +
                        " a step instead of " + milliseconds(baseline.step_seconds) + " with " +
                        baseline.name + "; it does below " + bandwidth_text(compressor->break_even);
  if (mix_pays(advice)) {
    verdict += "; each group's best method together: " + milliseconds(advice.mix_seconds);
  }
  return verdict;
}

std::string advice_table(const AdviceInput& input, const Advice& advice) {
  const StepBase& base = input.ranks.front().base;
  return link_text(input) +
         text(
             "step       %.2f ms of computing without exchange, %.2f ms of update; computing goes "
             "at %.2f beside compression, at %.2f beside the wire\n\n",
             1e3 * base.compute_seconds, 1e3 * base.update_seconds, base.rate_beside_compute,
             base.rate_beside_wire) +
         method_table(advice) +
         text("mix of each group's best: %.2f ms\n\n", 1e3 * advice.mix_seconds) +
         "each parameter alone, without overlap:\n" + group_table(advice) + "\n" +
         (mix_pays(advice) ? "the mix, as settings:\n" + mix_rules(advice) + "\n" : "") +
         advice_verdict(input, advice) + "\n";
}

nlohmann::ordered_json advice_json(const AdviceInput& input, const Advice& advice) {
  const StepBase& base = input.ranks.front().base;
  nlohmann::ordered_json methods = nlohmann::ordered_json::array(),
                         groups = nlohmann::ordered_json::array();
  for (const MethodAdvice& one : advice.methods) {
    methods.push_back({{"name", one.name},
                       {"step_seconds", one.step_seconds},
                       {"exposed_seconds", one.exposed_seconds},
                       {"compress_seconds", one.compress_seconds},
                       {"wire_seconds", one.wire_seconds},
                       {"decompress_seconds", one.decompress_seconds},
                       {"payload_bytes", one.payload_bytes},
                       {"pays_below_bits_per_second", bits_json(one.break_even)}});
  }
  for (const GroupAdvice& one : advice.groups) {
    groups.push_back({{"parameters", one.group.pattern},
                      {"count", one.count},
                      {"shape", one.group.shape},
                      {"best", one.best},
                      {"best_seconds", one.best_seconds},
                      {"baseline_seconds", one.baseline_seconds},
                      {"compressor", one.compressor},
                      {"pays_below_bits_per_second", bits_json(one.break_even)}});
  }
  return {{"link",
           {{"bits_per_second", bits_json(input.link.bytes_per_second)},
            {"latency_seconds", input.link.latency_seconds},
            {"burst_bytes", input.link.burst_bytes},
            {"replicas", input.link.ranks},
            {"hosts", input.link.hosts},
            {"measured", input.link_is_present}}},
          {"base",
           {{"compute_seconds", base.compute_seconds},
            {"update_seconds", base.update_seconds},
            {"rate_beside_compute", base.rate_beside_compute},
            {"rate_beside_wire", base.rate_beside_wire}}},
          {"methods", methods},
          {"mix_seconds", advice.mix_seconds},
          {"mix_rules", mix_rules(advice)},
          {"groups", groups},
          {"best", advice.methods[advice.best].name},
          {"verdict", advice_verdict(input, advice)}};
}

}  // namespace spillway::trainer
