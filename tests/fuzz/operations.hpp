// Operations: what a program does with a queue, one call for each byte of an input, through the C++ interface, the
// drop-in's mq_* calls and, for what only these two reach, the engine. Nothing waits longer than a millisecond.
#pragma once

#include <memory>
#include <vector>

#include <mqueue.h>

#include <mqxx/queue.hpp>

#include "fuzz/bytes.hpp"
#include "shm/queue.hpp"

namespace mqxx::fuzz {

class Operations {
 public:
  Operations() = default;
  Operations(const Operations&) = delete;
  Operations& operator=(const Operations&) = delete;
  ~Operations();

  /// The next call that the input names. Failing is allowed; what it answers must be possible.
  void next(Bytes& input);
  /// One of everything.
  void all();

 private:
  void call(unsigned which, Bytes& input);
  void open();
  void send(Bytes& input);
  void receive();
  void receive_message();
  void send_batch(Bytes& input);
  void receive_batch(Bytes& input);
  void take_loan(Bytes& input);
  void take_receive_loan();
  void end_loan(Bytes& input);
  void wait(Bytes& input);
  void look() const;
  void walk(const Attributes& attributes) const;
  void inspect(Bytes& input) const;
  void remove();
  void poll(Bytes& input);
  void mq_open();
  void mq_close();
  void mq_send(Bytes& input) const;
  void mq_receive() const;
  void mq_notify(Bytes& input) const;
  void mq_look(Bytes& input) const;

  Queue queue_;
  std::vector<SendLoan> written_;
  std::vector<ReceiveLoan> read_;
  std::unique_ptr<shm::Queue> polled_;
  mqd_t mq_ = -1;
  int waits_ = 0;
};

}  // namespace mqxx::fuzz
