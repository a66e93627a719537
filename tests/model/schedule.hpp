// Schedule: a random sequence of calls, made on a real queue and on the model alike; every answer is compared.
#pragma once

#include <array>
#include <deque>
#include <ostream>
#include <string>
#include <vector>

#include <mqxx/queue.hpp>

#include "model/model.hpp"
#include "support/seed.hpp"

namespace mqxx::test {

/// Which priorities a schedule draws.
enum class Priorities { one, few, extremes, all, rising };

struct Setting {
  std::string name;
  std::size_t capacity;
  std::size_t message_size;
  Priorities priorities;
  int steps;
};

inline void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }

class Schedule {
 public:
  Schedule(const Setting& setting, std::uint64_t seed);

  /// Runs all steps. Stops at the first difference, as a fatal failure that names the step.
  void run();

 private:
  struct HeldSend {
    SendLoan loan;
    std::uint64_t tag;
  };
  struct HeldReceive {
    ReceiveLoan loan;
    Model::Entry entry;
  };

  struct Walk {
    Cursor cursor;
    Model::Stand stand;
  };

  void step();
  void send_one();
  void receive_one();
  void send_batch();
  void receive_batch();
  void open_send_loan();
  void end_send_loan();
  void open_receive_loan();
  void end_receive_loan();
  void peek();
  void walk();
  void drain();
  void compare_statistics();
  void compare_description();
  void check_invariants();
  void reopen();
  void recreate();
  void refuse();

  Queue& queue() { return queues_[random_.below(queues_.size())]; }
  Priority priority();
  std::size_t size();
  [[nodiscard]] std::size_t batch_bound() const;
  void expect(const Model::Entry& entry, std::span<const std::byte> bytes, Priority priority);

  Setting setting_;
  Random random_;
  Model model_;
  std::deque<Queue> queues_;  // several handles of the one queue
  std::vector<HeldSend> sending_;
  std::vector<HeldReceive> receiving_;
  std::array<Walk, 3> walks_;
  std::uint64_t next_tag_ = 1;
  bool filling_ = true;  // more sends than receives now, or the other way round: both ends are reached
  const char* what_ = "";
};

}  // namespace mqxx::test
