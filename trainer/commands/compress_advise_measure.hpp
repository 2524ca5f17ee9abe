#pragma once

#include <functional>
#include <string>
#include <vector>

#include "parallel/comm/link_model.hpp"
#include "trainer/commands/compress_advise_record.hpp"
#include "trainer/commands/compress_sweep_cells.hpp"
#include "trainer/layout.hpp"
#include "trainer/ranks.hpp"

namespace spillway::trainer {

/// Told in words what is measured now.
using Announce = std::function<void(const std::string& what)>;

/// Measures, on this rank, a step without exchange (each replica trains for itself), then every
/// cell's exchange of the gradients that these steps left, bucket by bucket and for one parameter
/// of each group alone, among all replicas. `link` between them as measured. Collective over all
/// ranks; `all` is of `config`.
RankRecord measure_rank(const config::Config& config, const Layout& layout,
                        const std::vector<SweepCell>& cells, const comm::LinkModel& link,
                        Ranks& all, const Announce& announce);

/// The link of a replica group by all-reduces of three sizes; nothing but `ranks` and `hosts` (of
/// the group) when it has one rank. Collective over the group.
comm::LinkModel measure_link(comm::Communicator& group, int hosts);

}  // namespace spillway::trainer
