#pragma once

#include <optional>
#include <string>
#include <vector>

#include "parallel/comm/link_model.hpp"
#include "trainer/commands/compress_advise_record.hpp"

namespace spillway::trainer {

/// What all ranks measured, in world order; costs were taken among `replicas`.
struct AdviceInput {
  std::vector<RankRecord> ranks;
  int replicas = 1;
  bool link_is_present = true;  ///< the wire times that were measured are those of `link`
  comm::LinkModel link = {};    ///< of the replica groups that are asked about
};

struct MethodAdvice {
  std::string name;
  double step_seconds = 0, exposed_seconds = 0;
  /// Of one exchange of all gradients, on the rank with the most.
  double compress_seconds = 0, wire_seconds = 0, decompress_seconds = 0, payload_bytes = 0;
  /// With overlap, the bandwidth of a host's link in payload bytes/s below which the step is
  /// shorter than the baseline's; nothing: at no bandwidth.
  std::optional<double> break_even = {};
};

/// One group of parameters: the method with the least time for it, without overlap.
struct GroupAdvice {
  ParameterGroup group = {};
  std::int64_t count = 0;
  std::string best = {};
  double best_seconds = 0, baseline_seconds = 0;  ///< of one parameter
  std::optional<double> break_even = {};          ///< of `best`; of the best compressor if it is
                                                  ///< the baseline; without overlap
  std::string compressor = {};                    ///< whose break-even it is
};

struct Advice {
  std::vector<MethodAdvice> methods;  ///< the baseline first
  std::vector<GroupAdvice> groups;
  double mix_seconds = 0;  ///< step in which each group has its best method
  std::size_t best = 0;    ///< of `methods`
};

/// Predicts a step for every method and the mix of the best ones. The first method of the records
/// is the baseline. Compression costs are taken as measured; what all-gathers carry grows with the
/// replicas. Pure: no communication.
Advice advise(const AdviceInput& input);

}  // namespace spillway::trainer
