#pragma once

#include <cstdint>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

namespace spillway {

/// What went wrong, as the exit code of the program.
enum class ErrorKind : int {
  check = 1,  ///< a threshold or check failed
  input = 2,  ///< bad input or configuration: the user can mend it; the message carries no source
              ///< location
  fault = 3,  ///< a fault while running; the message starts with the source location
};

/// Which ranks throw an error: this one, or all of them the same one, so that one speaks for all.
enum class ThrownBy : std::uint8_t { this_rank, all_ranks };

/// The one error type of Spillway besides c10::Error. what() is one line: what, where, the value,
/// what would be valid.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message, ThrownBy thrown_by = ThrownBy::this_rank)
      : std::runtime_error(message), kind_(kind), thrown_by_(thrown_by) {}
  ErrorKind kind() const { return kind_; }
  ThrownBy thrown_by() const { return thrown_by_; }

 private:
  ErrorKind kind_;
  ThrownBy thrown_by_;
};

/// Throws a fault; `at` is the caller.
[[noreturn]] void fail(const std::string& message,
                       std::source_location at = std::source_location::current());

/// Throws a complaint about input or configuration.
[[noreturn]] void fail_input(const std::string& message);

/// Throws a complaint about `value`, one of several names, and proposes the nearest of `valid` ("a
/// | b | c").
[[noreturn]] void fail_choice(const std::string& what, const std::string& value,
                              const std::string& valid);

/// The entry of `candidates` with the least edit distance to `word`; empty if none is near.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace spillway
