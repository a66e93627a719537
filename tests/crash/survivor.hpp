// Survivor: who made the queue, lives on, and finds out what a death has left. It speaks both interfaces.
#pragma once

#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <mqueue.h>

#include "operation.hpp"
#include "report.hpp"
#include "sleeper.hpp"

namespace mqxx::crash {

class Survivor {
 public:
  Survivor(const Operation& operation, const Report& report, std::string directory);
  Survivor(const Survivor&) = delete;
  Survivor& operator=(const Survivor&) = delete;
  ~Survivor();

  /// Makes the queue with what is in it before, and watches it.
  void make_queue();
  [[nodiscard]] Scene scene();
  /// After the deaths. `variant` chooses which call is the first that comes to the queue, and the order of the others.
  void examine(std::size_t variant, SleepingPeer* sleeper);
  /// Closes and removes everything, and looks for files that are left. The directory is empty afterwards.
  void clean_up();

 private:
  void fill_before();
  void watch();
  void await(SleepingPeer& sleeper);
  void open_again();
  void check();
  void look_at_readiness();
  std::size_t empty();
  void receive_all();
  void fill();
  void register_for_notice();
  void borrow();
  void peek();
  void come_and_go();
  void judge_messages();
  std::optional<Tag> receive_one();
  [[nodiscard]] bool named() const;
  void take_notice();
  void find(const std::string& what) const { report_.find(what); }

  const Operation& operation_;
  const Setting& setting_;
  const Report& report_;
  std::string directory_;
  Queue queue_;
  mqd_t descriptor_ = -1;
  int poller_ = -1;
  std::vector<Tag> found_;
  std::size_t filled_ = 0;
  std::size_t fillers_found_ = 0;
  std::size_t sleepers_sent_ = 0;
  std::size_t sleepers_found_ = 0;
  std::size_t wakers_sent_ = 0;
  std::size_t wakers_found_ = 0;
  bool told_ = false;
};

/// The signal of a notice: blocked in every process of a campaign, so that it is pending when it was raised.
inline constexpr int kNotice = SIGUSR1;
void block_notices();

}  // namespace mqxx::crash
