#include "trainer/commands/command.hpp"

namespace spillway::trainer {

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands{
      {"train", "trains a model, under mpirun", run_train},
      {"corpus build", "makes a corpus of text files and dialogues", run_corpus_build},
      {"corpus mutate", "grows a corpus to any size with mutants", run_corpus_mutate},
      {"corpus operators", "lists the mutation operators", run_corpus_operators},
      {"corpus show", "prints one sample, a mutant beside its original", run_corpus_show},
      {"corpus stats", "counts samples by category, language and length", run_corpus_stats},
      {"corpus verify", "reads every byte and compares it with its checksums", run_corpus_verify},
      {"compress advise", "predicts which compression pays on this link, or on another",
       run_compress_advise},
      {"compress bench", "compares the compression methods on a model's gradient shapes",
       run_compress_bench},
      {"compress replay", "runs a compression method over gradients from a file",
       run_compress_replay},
      {"compress sweep", "trains with every compression setting and compares them, under mpirun",
       run_compress_sweep},
      {"checkpoint list", "lists the checkpoints of a run", run_checkpoint_list},
      {"checkpoint verify", "reads every byte and compares it with its checksums",
       run_checkpoint_verify},
      {"checkpoint diff", "compares two checkpoints bit by bit", run_checkpoint_diff},
      {"checkpoint prune", "removes old checkpoints, never the last two valid ones",
       run_checkpoint_prune},
      {"export", "writes a model as a Hugging Face folder", run_export},
      {"import", "makes a checkpoint of a Hugging Face folder", run_import},
      {"plan", "predicts a run: layout, schedule, makespan, memory, bytes", run_plan},
      {"rehearse", "runs a schedule and its messages with paced compute, under mpirun",
       run_rehearse},
      {"stress", "finds what the configuration sustains, under mpirun", run_stress},
      {"comm", "measures the communicator: time, algbw, busbw", run_comm},
      {"settings", "lists every setting of a run", run_settings},
  };
  return kCommands;
}

}  // namespace spillway::trainer
