// Delivery: messages from a queue to standard output. A message is gone from the queue only when all of it was written:
// it is on loan until then. If the output fails, it and those behind it go back to their places; if mq dies, the
// library puts them there.
//
// Several small ones leave in one write of at most PIPE_BUF bytes, which a pipe keeps together: so several mq may share
// one, and whoever kills mq between a write and the end of its loans finds no more than those in both places. Queues of
// the kernel lend copies, which would be lost then: there one leaves at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <mqxx/queue.hpp>

#include "cli/format/format.hpp"

namespace mqxx::cli {

class Delivery {
 public:
  /// @param print_priorities  a line on standard error after each message
  Delivery(Queue& queue, Format format, bool print_priorities);

  /// Delivers at most `most` messages: waits for the first as `wait` allows, then takes what is there.
  /// @return how many; 0 when the wait ended. @throws Complaint, BrokenPipe
  std::size_t deliver(const Wait& wait, std::uint64_t most);

 private:
  /// Messages that were taken and are not yet written. Those that are still there at the end go back.
  class Held {
   public:
    static constexpr std::size_t kMost = 512;

    Held() { loans_.reserve(kMost); }  // no memory is needed while a message is in hand
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { put_back(); }

    void add(ReceiveLoan loan) { loans_.push_back(std::move(loan)); }
    [[nodiscard]] std::size_t size() const { return loans_.size(); }
    [[nodiscard]] const ReceiveLoan& last() const { return loans_.back(); }
    /// The first so many are done.
    void release(std::size_t count);
    void put_back() noexcept;

   private:
    std::vector<ReceiveLoan> loans_;
  };

  /// Takes one message more. @return false when the wait ended
  bool take(const Wait& wait);
  void write_held();
  void write_text(std::size_t first, std::size_t last);
  void write_large();
  void require_intact() const;

  Queue& queue_;
  Format format_;
  bool print_priorities_;
  std::size_t batch_;
  Held held_;
  std::string text_;               // of the messages that are held, one behind the other; not of a large one, the last
  std::vector<std::size_t> ends_;  // of each in it
};

}  // namespace mqxx::cli
