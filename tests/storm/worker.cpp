#include "storm/worker.hpp"

#include <array>
#include <exception>
#include <string>

#include <unistd.h>

#include "storm/places.hpp"

namespace mqxx::test {
namespace {

// Half of them equal to many others, so that age decides; the rest anything. In a flood all that is new overtakes all
// that is queued.
Priority random_priority(const Ledger& ledger, Random& random) {
  if (ledger.flood()) return kMaxPriority - static_cast<Priority>(random.below(2));
  return static_cast<Priority>(random.below(random.one_in(2) ? 4 : kMaxPriority + 1));
}

/// The sending part of a process.
class Sender {
 public:
  Sender(const Ledger& ledger, const Job& job)
      : ledger_(ledger),
        seat_(job.seat),
        random_(job.seed, Random::kQuiet),
        own_(job.inherited != nullptr ? nullptr : make_sending(job.face, random_)),
        sending_(job.inherited != nullptr ? *job.inherited : *own_) {
    for (auto& bytes : bytes_) bytes.resize(kLargest);
  }

  void send(Patience patience) {
    const std::size_t place = ledger_.flood() ? kPlaces.size() - 1 : random_.below(kPlaces.size());
    const std::size_t count = random_.one_in(3) ? 1 + random_.below(sending_.most()) : 1;
    const std::optional<std::uint64_t> first = ledger_.begin_send(seat_, count);
    if (!first) throw std::length_error("the ledger is full");
    std::array<Outgoing, kBatch> messages;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t most = kPlaces.at(place).message_size;
      const std::span<std::byte> bytes =
          std::span(bytes_[i]).first(sizeof(Stamp) + random_.below(most - sizeof(Stamp) + 1));
      const Priority priority = random_priority(ledger_, random_);
      write_stamped(bytes, seat_, *first + i, priority);
      messages[i] = {bytes, priority};
    }
    ledger_.end_send(seat_, sending_.send(place, std::span(messages).first(count), patience));
  }

  Random& random() { return random_; }

 private:
  const Ledger& ledger_;
  std::uint32_t seat_;
  Random random_;
  std::unique_ptr<Sending> own_;
  Sending& sending_;
  std::array<std::vector<std::byte>, kBatch> bytes_;
};

/// The receiving part of a process.
class Receiver {
 public:
  Receiver(const Ledger& ledger, const Job& job)
      : ledger_(ledger),
        seat_(job.seat),
        place_(kPlaces.at(job.place)),
        random_(job.seed, Random::kQuiet),
        receiving_(make_receiving(job.face, job.place, random_)) {
    for (std::size_t i = 0; i < kBatch; ++i) room_[i].buffer = ledger.buffer(seat_, i).first(place_.message_size);
  }

  /// @return false after an end mark
  bool receive() {
    ledger_.begin_receive(seat_);
    const std::size_t count = receiving_->receive(room_, random_patience(random_));
    bool more = true;
    for (std::size_t i = 0; i < count; ++i) more = take(room_[i]) && more;
    return more;
  }

 private:
  bool take(const Incoming& message) {
    const std::optional<Stamp> stamp = read_stamped(message.buffer.first(message.size));
    if (!stamp) {
      ledger_.complain("torn: a message of " + std::to_string(message.size) + " bytes in " + place_.name);
      return true;
    }
    if (stamp->producer == kEndMark) return false;
    ledger_.count(*stamp);
    if (stamp->producer >= kSenders) return true;
    if (stamp->priority != message.priority) ledger_.complain(sentence("received with another priority", *stamp));
    // What may have been on loan to a dead receiver has been back in the queue, and may come late; what overtook it
    // counts.
    const bool in_turn = order_.saw(*stamp);
    const bool may_be_late = place_.loans || message.size >= kOutsideTheLock;
    if (!in_turn && !may_be_late) ledger_.complain(sentence("out of turn", *stamp));
    return true;
  }

  [[nodiscard]] std::string sentence(const char* what, const Stamp& stamp) const {
    return std::string(what) + ": message " + std::to_string(stamp.counter) + " of sender " +
           std::to_string(stamp.producer) + ", priority " + std::to_string(stamp.priority) + ", in " + place_.name;
  }

  const Ledger& ledger_;
  std::uint32_t seat_;
  const Place& place_;
  Random random_;
  std::unique_ptr<Receiving> receiving_;
  OrderCheck order_{kSenders};
  std::array<Incoming, kBatch> room_;
};

template <class Work>
void complaining(const Ledger& ledger, const Job& job, Work work) {
  try {
    work();
  } catch (const std::exception& error) {
    ledger.complain("seat " + std::to_string(job.seat) + ", " + (job.face == Face::cpp ? "C++" : "mq_*") + ": " +
                    error.what());
  }
}

}  // namespace

void work_as_sender(const Ledger& ledger, const Job& job) {
  complaining(ledger, job, [&] {
    Sender sender(ledger, job);
    while (!ledger.senders_stop()) sender.send(random_patience(sender.random()));
  });
}

void work_as_passer_by(const Ledger& ledger, const Job& job) {
  complaining(ledger, job, [&] {
    Sender sender(ledger, job);
    for (std::uint64_t i = sender.random().below(5); i > 0; --i) sender.send(Patience::brief);
    if (sender.random().one_in(2)) ::_exit(0);
  });
}

void work_as_receiver(const Ledger& ledger, const Job& job) {
  complaining(ledger, job, [&] {
    Receiver receiver(ledger, job);
    while (!ledger.receivers_stop() && receiver.receive()) {
    }
  });
}

}  // namespace mqxx::test
