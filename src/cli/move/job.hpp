// Job: one run of a command for one message.
#pragma once

#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include <mqxx/types.hpp>

namespace mqxx::cli {

/// A command whose arguments may hold "{}", for which the message stands in; without, the message is its standard
/// input.
class Job {
 public:
  /// @param queue  the name that the command finds in MQUEUE
  /// @param mask   the signals that the command holds back
  Job(std::vector<std::string> command, std::string queue, const sigset_t& mask);

  /// Runs the command and waits for its end. It finds the priority in MQ_PRIORITY, and the number of the run, from 1,
  /// in MQ_TRY. Called by any thread. @return what went wrong, as a sentence; empty when the command ended with status
  /// 0
  [[nodiscard]] std::string run(std::string_view message, Priority priority, unsigned attempt) const;

 private:
  [[nodiscard]] std::vector<std::string> arguments_for(std::string_view message) const;

  std::vector<std::string> command_;
  std::string queue_;
  sigset_t mask_;
  bool by_argument_;
};

}  // namespace mqxx::cli
