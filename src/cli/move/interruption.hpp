// Interruption: while it lives, the first Ctrl-C (SIGINT, SIGTERM, SIGHUP) asks to stop, so that what was begun is
// brought to an end; the second ends mq at once. Made before any other thread: they inherit that these signals are held
// back.
#pragma once

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>

namespace mqxx::cli {

/// Ends mq as the signal does where nobody handles it.
void end_by_signal(int signal);

class Interruption {
 public:
  Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption();

  /// Is triggered by the signal, or by stop().
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  void stop() { source_.request_stop(); }
  /// What children are to start with: the signals that were held back before.
  [[nodiscard]] const sigset_t& mask_before() const { return before_; }
  /// Whether a signal has come, for good: stops listening. To be asked when all is in order.
  [[nodiscard]] bool came();
  /// Ends mq by the signal that came, if one did: the shell's 130.
  void end_if_interrupted() {
    if (came()) end_by_signal(signal_.load());
  }

 private:
  void listen();
  void stop_listening();

  std::stop_source source_;
  std::atomic<int> signal_{0};
  std::atomic<bool> over_{false};
  sigset_t ours_{};
  sigset_t before_{};
  std::thread listener_;
};

}  // namespace mqxx::cli
