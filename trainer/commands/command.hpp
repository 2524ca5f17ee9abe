#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spillway::trainer {

/// One command of the program. run() gets the words after the command and returns the exit code; it
/// throws spillway::Error or c10::Error, which main reports. Commands that use ranks make a
/// comm::MpiEnvironment themselves, after their arguments and configuration are checked.
struct Command {
  std::string_view name;  ///< "train", "corpus build"
  std::string_view summary;
  int (*run)(const std::vector<std::string>& words);
};

/// All commands, in the order of the help.
const std::vector<Command>& commands();

int run_corpus_build(const std::vector<std::string>& words);
int run_corpus_mutate(const std::vector<std::string>& words);
int run_corpus_operators(const std::vector<std::string>& words);
int run_corpus_show(const std::vector<std::string>& words);
int run_corpus_stats(const std::vector<std::string>& words);
int run_corpus_verify(const std::vector<std::string>& words);
int run_compress_advise(const std::vector<std::string>& words);
int run_compress_bench(const std::vector<std::string>& words);
int run_compress_replay(const std::vector<std::string>& words);
int run_compress_sweep(const std::vector<std::string>& words);
int run_checkpoint_list(const std::vector<std::string>& words);
int run_checkpoint_verify(const std::vector<std::string>& words);
int run_checkpoint_diff(const std::vector<std::string>& words);
int run_checkpoint_prune(const std::vector<std::string>& words);
int run_export(const std::vector<std::string>& words);
int run_import(const std::vector<std::string>& words);
int run_plan(const std::vector<std::string>& words);
int run_comm(const std::vector<std::string>& words);
int run_rehearse(const std::vector<std::string>& words);
int run_settings(const std::vector<std::string>& words);
int run_stress(const std::vector<std::string>& words);
int run_train(const std::vector<std::string>& words);

}  // namespace spillway::trainer
