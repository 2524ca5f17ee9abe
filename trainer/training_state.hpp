#pragma once

#include <filesystem>
#include <string>

#include "configs/schema.hpp"
#include "trainer/checkpoint/checkpoint_store.hpp"
#include "trainer/trainer.hpp"

namespace spillway::trainer {

/// How a Trainer stands in a checkpoint. Names:
///   model/<parameter>                            master weights, once over all ranks
///   optimizer/<parameter>/exp_avg, exp_avg_sq    moments, once
///   compression/<parameter>/<what>               state of the gradient exchange, once: replicas
///                                                go on with the mean of their error feedback
/// Metadata: `progress`, `settings` (name -> text), `layout`. Everything is keyed by name, so
/// another layout finds what it needs.

/// This rank's part, between steps. Collective over replicas.
Snapshot take_snapshot(Trainer& trainer, const config::Config& config);

/// Throws Error(input), naming setting and both values, if the checkpoint is of another model.
void check_same_model(const Checkpoint& checkpoint, const config::ModelConfig& resolved);

/// Brings a new Trainer to where the checkpoint was taken. Returns a line for the user about
/// anything that starts anew, as after a change of the compression; empty when nothing does.
std::string restore(const Checkpoint& checkpoint, Trainer& trainer, const config::Config& config);

}  // namespace spillway::trainer
