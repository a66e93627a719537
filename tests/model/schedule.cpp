#include "model/schedule.hpp"

#include <array>

#include <gtest/gtest.h>

#include <mqxx/inspect.hpp>

#include "support/failures.hpp"
#include "support/forms.hpp"
#include "support/payload.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

constexpr const char* kName = "/model";
constexpr std::size_t kHandles = 3;
constexpr std::size_t kHeld = 4;
constexpr std::size_t kBatch = 70;  // more than a machine word has bits

}  // namespace

Schedule::Schedule(const Setting& setting, std::uint64_t seed)
    : setting_(setting), random_(seed), model_(setting.capacity) {
  queues_.push_back(Queue::create(kName, {.capacity = setting.capacity, .message_size = setting.message_size}));
  while (queues_.size() < kHandles) queues_.push_back(Queue::open(kName));
}

void Schedule::run() {
  for (int i = 0; i < setting_.steps; ++i) {
    if (random_.one_in(200)) filling_ = !filling_;
    step();
    if (!testing::Test::HasFatalFailure()) compare_statistics();
    if (testing::Test::HasFatalFailure()) FAIL() << "step " << i << ": " << what_;
  }
  check_invariants();
  drain();
}

void Schedule::step() {
  struct Choice {
    const char* what;
    void (Schedule::*call)();
    unsigned weight;
  };
  const unsigned in = filling_ ? 30 : 10;
  const unsigned out = 40 - in;
  const std::array choices{
      Choice{"send", &Schedule::send_one, in},
      Choice{"receive", &Schedule::receive_one, out},
      Choice{"send a batch", &Schedule::send_batch, in / 4},
      Choice{"receive a batch", &Schedule::receive_batch, out / 4},
      Choice{"open a send loan", &Schedule::open_send_loan, in / 4},
      Choice{"end a send loan", &Schedule::end_send_loan, 6},
      Choice{"open a receive loan", &Schedule::open_receive_loan, out / 4},
      Choice{"end a receive loan", &Schedule::end_receive_loan, 6},
      Choice{"peek", &Schedule::peek, 3},
      Choice{"walk", &Schedule::walk, 4},
      Choice{"refuse", &Schedule::refuse, 3},
  };
  // Dear or destructive ones come seldom.
  if (random_.one_in(250)) return what_ = "check", check_invariants();
  if (random_.one_in(500)) return what_ = "describe", compare_description();
  if (random_.one_in(500)) return what_ = "reopen", reopen();
  if (random_.one_in(700)) return what_ = "drain", drain();
  if (random_.one_in(400)) return what_ = "recreate", recreate();
  unsigned total = 0;
  for (const Choice& choice : choices) total += choice.weight;
  std::uint64_t drawn = random_.below(total);
  for (const Choice& choice : choices) {
    if (drawn < choice.weight) {
      what_ = choice.what;
      return (this->*choice.call)();
    }
    drawn -= choice.weight;
  }
}

Priority Schedule::priority() {
  switch (setting_.priorities) {
    case Priorities::one: return 5;
    case Priorities::few: return static_cast<Priority>(random_.below(4));
    case Priorities::extremes: return random_.one_in(2) ? 0 : kMaxPriority;
    case Priorities::all: return static_cast<Priority>(random_.below(kMaxPriority + 1));
    case Priorities::rising: return static_cast<Priority>(next_tag_ % (kMaxPriority + 1));
  }
  return 0;
}

std::size_t Schedule::size() {
  if (random_.one_in(10)) return 0;
  if (random_.one_in(5)) return setting_.message_size;
  return random_.below(setting_.message_size + 1);
}

std::size_t Schedule::batch_bound() const { return std::min(kBatch, setting_.capacity + 2) + 1; }

void Schedule::expect(const Model::Entry& entry, std::span<const std::byte> bytes, Priority priority) {
  ASSERT_EQ(bytes.size(), entry.size);
  ASSERT_EQ(priority, entry.priority);
  ASSERT_TRUE(is_pattern(bytes, entry.tag)) << "not message " << entry.tag << " of " << entry.size << " bytes";
}

void Schedule::send_one() {
  const bool room = model_.room() > 0;
  const SendForm& form = send_forms()[random_.below(send_forms().size())];
  if (form.waits && !room) return;
  const std::vector<std::byte> bytes = pattern(size(), next_tag_);
  const Priority prio = priority();
  std::error_code ec = stale_code();
  const bool throwing = random_.one_in(2);
  const bool sent = form.send(queue(), std::span<const std::byte>(bytes), prio, throwing ? nullptr : &ec);
  ASSERT_EQ(sent, room) << form.name;
  if (!throwing) {
    ASSERT_FALSE(ec) << form.name << ": " << ec.message();
  }
  if (sent) model_.send(bytes.size(), next_tag_++, prio);
}

void Schedule::receive_one() {
  const ReceiveForm& form = receive_forms()[random_.below(receive_forms().size())];
  if (form.waits && model_.empty()) return;
  std::error_code ec = stale_code();
  const bool throwing = random_.one_in(2);
  const std::optional<Message> message = form.receive(queue(), throwing ? nullptr : &ec);
  ASSERT_EQ(message.has_value(), !model_.empty()) << form.name;
  if (!throwing) {
    ASSERT_FALSE(ec) << form.name << ": " << ec.message();
  }
  if (message) expect(model_.receive(), message->bytes(), message->priority());
}

void Schedule::send_batch() {
  const std::size_t count = random_.below(batch_bound());
  std::vector<std::vector<std::byte>> payloads;
  std::vector<Outgoing> batch;
  for (std::size_t i = 0; i < count; ++i) {
    payloads.push_back(pattern(size(), next_tag_ + i));
    batch.push_back({std::span<const std::byte>(payloads.back()), priority()});
  }
  const std::size_t expected = std::min(count, model_.room());
  const bool may_wait = expected == count;
  ASSERT_EQ(queue().send_batch(batch, may_wait && random_.one_in(2) ? Wait::forever() : Wait::none()), expected);
  for (std::size_t i = 0; i < expected; ++i) model_.send(payloads[i].size(), next_tag_ + i, batch[i].priority);
  next_tag_ += count;
}

void Schedule::receive_batch() {
  const std::size_t count = random_.below(batch_bound());
  std::vector<std::vector<std::byte>> buffers(count, std::vector<std::byte>(setting_.message_size));
  std::vector<Incoming> room;
  for (auto& buffer : buffers) room.push_back({.buffer = buffer});
  const std::size_t expected = std::min(count, model_.depth());
  const bool may_wait = expected > 0;
  ASSERT_EQ(queue().receive_batch(room, may_wait && random_.one_in(2) ? Wait::forever() : Wait::none()), expected);
  for (std::size_t i = 0; i < expected; ++i) {
    ASSERT_NO_FATAL_FAILURE(
        expect(model_.receive(), std::span<const std::byte>(buffers[i]).first(room[i].size), room[i].priority));
  }
}

void Schedule::open_send_loan() {
  if (sending_.size() == kHeld) return;
  const bool room = model_.room() > 0;
  SendLoan loan = queue().try_loan(size());
  ASSERT_EQ(static_cast<bool>(loan), room);
  if (!room) return;
  if (!loan.bytes().empty()) fill_pattern(loan.bytes(), next_tag_);
  sending_.push_back({std::move(loan), next_tag_++});
  model_.open_send_loan();
}

void Schedule::end_send_loan() {
  if (sending_.empty()) return;
  const auto held = sending_.begin() + static_cast<std::ptrdiff_t>(random_.below(sending_.size()));
  if (random_.one_in(4)) {
    if (random_.one_in(2)) held->loan.drop();
    model_.drop_send_loan();
  } else {
    const Priority prio = priority();
    std::size_t length = held->loan.bytes().size();
    if (random_.one_in(3)) length = random_.below(length + 1);  // a shorter pattern begins as a longer one
    held->loan.send(length, prio);
    model_.send_loan(length, held->tag, prio);
  }
  sending_.erase(held);
}

void Schedule::open_receive_loan() {
  if (receiving_.size() == kHeld) return;
  ReceiveLoan loan = queue().try_receive_loan();
  ASSERT_EQ(static_cast<bool>(loan), !model_.empty());
  if (!loan) return;
  const Model::Entry entry = model_.open_receive_loan();
  ASSERT_NO_FATAL_FAILURE(expect(entry, loan.bytes(), loan.priority()));
  receiving_.push_back({std::move(loan), entry});
}

void Schedule::end_receive_loan() {
  if (receiving_.empty()) return;
  const auto held = receiving_.begin() + static_cast<std::ptrdiff_t>(random_.below(receiving_.size()));
  ASSERT_NO_FATAL_FAILURE(expect(held->entry, held->loan.bytes(), held->loan.priority()));
  if (random_.one_in(2)) {
    held->loan.put_back();
    model_.put_back(held->entry);
  } else {
    if (random_.one_in(2)) held->loan.release();
    model_.release();
  }
  receiving_.erase(held);
}

void Schedule::peek() {
  const std::size_t most = random_.below(kBatch);
  const std::vector<Message> seen = queue().peek(most);
  const std::vector<Model::Entry> expected = model_.first(most);
  ASSERT_EQ(seen.size(), expected.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    ASSERT_NO_FATAL_FAILURE(expect(expected[i], seen[i].bytes(), seen[i].priority()));
  }
}

void Schedule::walk() {
  Walk& walk = walks_[random_.below(walks_.size())];
  if (random_.one_in(10)) walk = {};
  PeekOptions options{.most = random_.below(kBatch / 2)};
  if (random_.one_in(3)) options.bytes = random_.below(4 * setting_.message_size);
  if (random_.one_in(3)) options.highest = priority();
  if (random_.one_in(3)) options.lowest = std::min(priority(), options.highest);
  const std::vector<Message> seen = queue().peek(walk.cursor, options);
  const std::vector<Model::Entry> expected = model_.walk(walk.stand, options);
  ASSERT_EQ(seen.size(), expected.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    ASSERT_NO_FATAL_FAILURE(expect(expected[i], seen[i].bytes(), seen[i].priority()));
  }
}

void Schedule::drain() {
  for (const Message& message : queue().drain()) {
    ASSERT_FALSE(model_.empty());
    ASSERT_NO_FATAL_FAILURE(expect(model_.receive(), message.bytes(), message.priority()));
  }
  ASSERT_TRUE(model_.empty());
}

void Schedule::compare_statistics() {
  const Statistics expected = model_.statistics();
  const Statistics actual = queue().statistics();
  ASSERT_EQ(queue().attributes().depth, model_.depth());
  ASSERT_EQ(actual.messages_sent, expected.messages_sent);
  ASSERT_EQ(actual.bytes_sent, expected.bytes_sent);
  ASSERT_EQ(actual.messages_received, expected.messages_received);
  ASSERT_EQ(actual.bytes_received, expected.bytes_received);
  // A peak inside a burst may be missed, never invented.
  ASSERT_LE(actual.high_water, expected.high_water);
  ASSERT_GE(actual.high_water, model_.depth());
  ASSERT_EQ(actual.loans, expected.loans);
  ASSERT_EQ(actual.waiting_senders + actual.waiting_receivers, 0u);
  ASSERT_EQ(actual.recoveries, 0u);
}

void Schedule::compare_description() {
  const QueueInfo info = describe(kName);
  ASSERT_FALSE(info.error) << info.error.message();
  ASSERT_EQ(info.queued_bytes, model_.queued_bytes());
  ASSERT_EQ(info.attributes.depth, model_.depth());
}

void Schedule::check_invariants() { ASSERT_EQ(broken_invariants(kName), ""); }

void Schedule::reopen() {
  queues_.pop_front();
  queues_.push_back(Queue::open(kName));
}

void Schedule::recreate() {
  // Loans of the old queue end before or after it is gone; both must be harmless.
  const bool keep = random_.one_in(2);
  if (!keep) sending_.clear(), receiving_.clear();
  queue().unlink();
  queues_.clear();
  model_ = Model(setting_.capacity);
  queues_.push_back(Queue::create(kName, {.capacity = setting_.capacity, .message_size = setting_.message_size}));
  while (queues_.size() < kHandles) queues_.push_back(queues_.front().duplicate());
  sending_.clear();
  receiving_.clear();
  walks_ = {};
}

void Schedule::refuse() {
  const std::vector<std::byte> big(setting_.message_size + 1);
  const std::span<const std::byte> too_much(big);
  std::vector<std::byte> small(setting_.message_size - 1);
  ASSERT_TRUE(fails_with(Errc::message_too_big, [&] { queue().send(too_much); }));
  ASSERT_TRUE(fails_with(Errc::invalid_priority, [&] { queue().try_send("", kMaxPriority + 1); }));
  ASSERT_TRUE(fails_with(Errc::buffer_too_small, [&] { (void)queue().receive(std::span(small)); }));
  ASSERT_TRUE(fails_with(Errc::message_too_big, [&] { (void)queue().loan(big.size()); }));
}

}  // namespace mqxx::test
