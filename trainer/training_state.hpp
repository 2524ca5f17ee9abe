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
///   compression/replica-<r>/<parameter>/<what>   what each replica keeps of its gradient exchange
/// Metadata: `progress`, `settings` (name -> text), `layout`. Everything is keyed by name, so
/// another layout finds what it needs.

/// This rank's part, between steps.
Snapshot take_snapshot(Trainer& trainer, const config::Config& config);

/// Throws Error(input), naming setting and both values, if the checkpoint is of another model.
void check_same_model(const Checkpoint& checkpoint, const config::ModelConfig& resolved);

/// Brings a new Trainer to where the checkpoint was taken. With another number of replicas each
/// gets the mean of the saved errors, which is all that the outputs depend on. Returns a line for
/// the user about anything that starts anew; empty when nothing does.
std::string restore(const Checkpoint& checkpoint, Trainer& trainer);

}  // namespace spillway::trainer
