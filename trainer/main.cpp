// The program: finds the command, runs it, and turns what it throws into one line on stderr and an
// exit code.
#include <c10/util/Exception.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "compression/low_rank/cuda/cuda_batches.hpp"
#include "configs/error.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "parallel/comm/nccl_communicator.hpp"
#include "trainer/commands/command.hpp"

namespace {

using spillway::ErrorKind;
using spillway::trainer::Command;
using spillway::trainer::commands;

void print_help(std::ostream& out) {
  out << "Spillway: pipeline-parallel, compressed, bf16 quantization-aware training of language "
         "models.\n\n"
         "usage: spillway COMMAND [CONFIG.toml] [--section.key=value ...]\n\ncommands\n";
  for (const Command& command : commands()) {
    std::string name(command.name);
    name.resize(20, ' ');
    out << "  " << name << command.summary << "\n";
  }
  out << "\n`spillway COMMAND --help` explains a command. Exit codes: 0 done, 1 a check failed, 2 "
         "bad input or\n"
         "configuration, 3 fault while running, 85 stopped on request with a checkpoint saved.\n";
}

/// The command of the first one or two words ("corpus build"), or nullptr.
const Command* find_command(const std::vector<std::string>& words, std::size_t& length) {
  for (length = 2; length > 0; --length) {
    if (words.size() < length) continue;
    const std::string name = length == 2 ? words[0] + " " + words[1] : words[0];
    for (const Command& command : commands()) {
      if (command.name == name) return &command;
    }
  }
  return nullptr;
}

[[noreturn]] void fail_unknown_command(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  std::string given = words[0];
  for (const std::string& name : names) {
    if (name.starts_with(words[0] + " ") && words.size() > 1) given = words[0] + " " + words[1];
  }
  const std::string proposal = spillway::nearest(given, names);
  spillway::fail_input(
      "unknown command " + given +
      (proposal.empty() ? "; `spillway --help` lists all" : "; did you mean " + proposal + "?"));
}

int run(const std::vector<std::string>& words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    print_help(words.empty() ? std::cerr : std::cout);
    return words.empty() ? static_cast<int>(ErrorKind::input) : 0;
  }
  std::size_t length = 0;
  const Command* command = find_command(words, length);
  if (!command) fail_unknown_command(words);
  return command->run({words.begin() + static_cast<std::ptrdiff_t>(length), words.end()});
}

/// One line on stderr. What is the same on every rank, as bad input usually is, rank 0 says for
/// all: the others hold back, and the end of rank 0 ends them. What only another rank finds bad (a
/// file missing on its host, a fault) is reported by the rank that has it.
void report(const spillway::comm::LaunchInfo& launch, bool shared, const std::string& message) {
  if (shared && launch.rank != 0) std::this_thread::sleep_for(std::chrono::seconds(3));
  const bool named = launch.size > 1 && (!shared || launch.rank != 0);
  const std::string who = named ? "rank " + std::to_string(launch.rank) + ": " : "";
  std::cerr << "spillway: " + who + message.substr(0, message.find('\n')) + "\n";
}

}  // namespace

int main(int argc, char** argv) {
  const spillway::comm::LaunchInfo launch = spillway::comm::launch_info();
  spillway::comm::enable_nccl();
  spillway::compression::enable_cuda_batches();
  int code = 0;
  try {
    return run({argv + 1, argv + argc});
  } catch (const spillway::Error& error) {
    code = static_cast<int>(error.kind());
    const bool shared =
        error.kind() == ErrorKind::input || error.thrown_by() == spillway::ThrownBy::all_ranks;
    report(launch, shared, error.what());
  } catch (const c10::Error& error) {
    code = static_cast<int>(ErrorKind::fault);
    report(launch, false, error.what_without_backtrace());
  } catch (const std::exception& error) {
    code = static_cast<int>(ErrorKind::fault);
    report(launch, false, error.what());
  }
  if (launch.size > 1) spillway::comm::MpiEnvironment::abort(code);
  return code;
}
