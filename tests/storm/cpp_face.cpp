// The C++ library's face: calls, batches and loans.
#include <algorithm>
#include <thread>

#include <mqxx/queue.hpp>

#include "storm/face.hpp"
#include "storm/ledger.hpp"
#include "storm/places.hpp"

namespace mqxx::test {
namespace {

Wait wait_for(Patience patience, Random& random) {
  switch (patience) {
    case Patience::none: return Wait::none();
    case Patience::brief: return Wait::for_duration(brief_time(random));
    case Patience::endless: break;
  }
  return Wait::forever();
}

/// Keeps a loan for a while now and then: most deaths would miss it otherwise.
void hold(Random& random, std::uint64_t one_in) {
  if (random.one_in(one_in)) std::this_thread::sleep_for(brief_time(random));
}

class CppSending : public Sending {
 public:
  explicit CppSending(Random& random) : random_(random) {
    for (const Place& place : kPlaces) queues_.push_back(Queue::open(place.name, {.access = Access::write_only}));
  }

  [[nodiscard]] std::size_t most() const override { return kBatch; }

  std::size_t send(std::size_t place, std::span<const Outgoing> messages, Patience patience) override {
    Queue& queue = queues_.at(place);
    if (messages.size() > 1) return queue.send_batch(messages, wait_for(patience, random_));
    return send_one(queue, messages[0], patience) ? 1 : 0;
  }

 private:
  bool send_one(Queue& queue, const Outgoing& message, Patience patience) {
    if (random_.one_in(3)) return send_by_loan(queue, message, patience);
    switch (patience) {
      case Patience::none: return queue.try_send(message.payload, message.priority);
      case Patience::brief: return queue.send_for(message.payload, brief_time(random_), message.priority);
      case Patience::endless: queue.send(message.payload, message.priority);
    }
    return true;
  }

  bool send_by_loan(Queue& queue, const Outgoing& message, Patience patience) {
    const std::span<const std::byte> bytes = message.payload.bytes();
    SendLoan loan = queue.loan(bytes.size(), wait_for(patience, random_));
    if (!loan) return false;
    std::ranges::copy(bytes, loan.bytes().begin());
    hold(random_, 64);
    if (random_.one_in(8)) {
      loan.drop();
      return false;
    }
    loan.send(message.priority);
    return true;
  }

  Random& random_;
  std::vector<Queue> queues_;
};

class CppReceiving : public Receiving {
 public:
  CppReceiving(std::size_t place, Random& random)
      : random_(random), queue_(Queue::open(kPlaces.at(place).name)), loans_(kPlaces.at(place).loans) {}

  std::size_t receive(std::span<Incoming> room, Patience patience) override {
    if (loans_ && !random_.one_in(3)) return receive_by_loan(room[0], patience);
    if (random_.one_in(3)) return queue_.receive_batch(room, wait_for(patience, random_));
    const std::optional<Received> received = receive_one(room[0].buffer, patience);
    if (!received) return 0;
    room[0].size = received->size;
    room[0].priority = received->priority;
    return 1;
  }

 private:
  std::optional<Received> receive_one(std::span<std::byte> buffer, Patience patience) {
    switch (patience) {
      case Patience::none: return queue_.try_receive(buffer);
      case Patience::brief: return queue_.receive_for(buffer, brief_time(random_));
      case Patience::endless: break;
    }
    return queue_.receive(buffer);
  }

  std::size_t receive_by_loan(Incoming& room, Patience patience) {
    ReceiveLoan loan = queue_.receive_loan(wait_for(patience, random_));
    if (!loan) return 0;
    hold(random_, 16);
    // Before the buffer has it: what stands there counts as taken, should this process die.
    if (random_.one_in(8)) {
      loan.put_back();
      return 0;
    }
    std::ranges::copy(loan.bytes(), room.buffer.begin());
    room.size = loan.bytes().size();
    room.priority = loan.priority();
    hold(random_, 16);
    loan.release();
    return 1;
  }

  Random& random_;
  Queue queue_;
  bool loans_;
};

}  // namespace

std::unique_ptr<Sending> cpp_sending(Random& random) { return std::make_unique<CppSending>(random); }

std::unique_ptr<Receiving> cpp_receiving(std::size_t place, Random& random) {
  return std::make_unique<CppReceiving>(place, random);
}

}  // namespace mqxx::test
