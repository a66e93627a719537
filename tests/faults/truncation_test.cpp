// The file of a queue cut short under live processes: queue_damaged from every call that notices, whole messages or
// none, and nobody dies, hangs or is handed zeros.
#include <atomic>
#include <cstring>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <mqxx/notification.hpp>

#include "support/child.hpp"
#include "support/queue_test.hpp"
#include "support/seed.hpp"
#include "support/shared_array.hpp"

namespace mqxx::test {
namespace {

/// A way to ask a queue for something. false: full, empty or late.
struct Form {
  const char* name;
  std::function<bool(Queue&)> call;
};

bool whole(std::span<const std::byte> bytes) {
  // Sent below: the first byte is the tag of the pattern.
  return bytes.size() >= 8 && is_pattern(bytes.subspan(8), static_cast<std::uint64_t>(bytes[0]));
}

std::vector<std::byte> tagged(std::size_t size, std::uint64_t tag) {
  std::vector<std::byte> bytes(size);
  bytes[0] = static_cast<std::byte>(tag % 256);
  fill_pattern(std::span(bytes).subspan(8), tag % 256);
  return bytes;
}

bool receive_batch(Queue& queue) {
  std::vector<std::vector<std::byte>> buffers(5, buffer_for(queue));
  std::vector<Incoming> room(buffers.begin(), buffers.end());
  const std::size_t count = queue.receive_batch(room, Wait::none());
  for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(whole(std::span(buffers[i]).first(room[i].size))) << i;
  return count != 0;
}

bool receive_in_place(Queue& queue) {
  ReceiveLoan loan = queue.receive_loan(Wait::none());
  if (!loan) return false;
  const bool right = whole(loan.bytes());
  EXPECT_TRUE(right || !loan.intact()) << "zeros, and the loan says that they are what was sent";
  return true;
}

bool receive_copy(Queue& queue) {
  const std::optional<Message> message = queue.try_receive();
  EXPECT_TRUE(!message || whole(message->bytes()));
  return message.has_value();
}

bool receive_into_buffer(Queue& queue) {
  std::vector<std::byte> buffer = buffer_for(queue);
  const std::optional<Received> received = queue.try_receive(buffer);
  EXPECT_TRUE(!received || whole(std::span(buffer).first(received->size)));
  return received.has_value();
}

bool send_in_place(Queue& queue) {
  SendLoan loan = queue.loan(queue.attributes().message_size, Wait::none());
  if (!loan) return false;
  const std::vector<std::byte> bytes = tagged(loan.bytes().size(), 7);
  std::copy(bytes.begin(), bytes.end(), loan.bytes().begin());
  loan.send();
  return true;
}

bool send_batch(Queue& queue) {
  const std::vector<std::byte> bytes = tagged(queue.attributes().message_size, 3);
  const std::vector<Outgoing> batch(3, Outgoing{std::span<const std::byte>(bytes)});
  return queue.send_batch(batch, Wait::none()) != 0;
}

const std::vector<Form>& forms() {
  static const std::vector<Form> all = {
      {"receive", receive_copy},
      {"receive into a buffer", receive_into_buffer},
      {"receive a batch", receive_batch},
      {"receive in place", receive_in_place},
      {"receive for 1 ms", [](Queue& queue) { return queue.receive_for(1ms).has_value(); }},
      {"peek",
       [](Queue& queue) {
         for (const Message& message : queue.peek(3)) EXPECT_TRUE(whole(message.bytes()));
         return true;
       }},
      {"send",
       [](Queue& queue) {
         return queue.try_send(std::span<const std::byte>(tagged(queue.attributes().message_size, 1)));
       }},
      {"send with another priority",
       [](Queue& queue) {
         return queue.try_send(std::span<const std::byte>(tagged(queue.attributes().message_size, 2)), 20'000);
       }},
      {"send a batch", send_batch},
      {"send in place", send_in_place},
      {"attributes", [](Queue& queue) { return queue.attributes().capacity != 0; }},
      {"statistics", [](Queue& queue) { return queue.statistics().messages_sent != 0; }},
  };
  return all;
}

class Truncation : public QueueTest {
 protected:
  void cut(std::uint64_t size) const {
    ASSERT_EQ(::truncate(directory_.queue_file().c_str(), static_cast<off_t>(size)), 0);
  }
  [[nodiscard]] std::uint64_t file_size() const { return std::filesystem::file_size(directory_.queue_file()); }

  /// A queue with messages, a receiver's loan and what two priorities need.
  static Queue filled(std::size_t message_size) {
    Queue queue = Queue::create("/q", {.capacity = 16, .message_size = message_size});
    for (std::uint64_t tag = 0; tag < 10; ++tag) {
      queue.send(std::span<const std::byte>(tagged(message_size, tag)), tag % 2 == 0 ? 0 : 9000);
    }
    return queue;
  }

  void cut_and_grow(std::uint64_t size) const {
    const std::string file = directory_.queue_file().string();
    const auto before = static_cast<off_t>(file_size());
    ASSERT_EQ(::truncate(file.c_str(), static_cast<off_t>(size)), 0);
    ASSERT_EQ(::truncate(file.c_str(), before), 0);
  }
};

// Each call by each size that the file may be left with, for messages under the lock and outside it; every second file
// is made long again.
TEST_F(Truncation, EveryCallOnAFileCutAnywhereIsRefused) {
  bool grows = false;
  std::size_t next = 0;
  for (const std::size_t message_size : {std::size_t{64}, std::size_t{3000}, std::size_t{20'000}}) {
    std::vector<std::uint64_t> sizes;
    {
      Queue queue = filled(message_size);
      const std::uint64_t size = file_size();
      sizes = {0, 100, 1024, 4096, 8192, size / 2, size - 50'000 % size, size - 4097, size - 4096, size - 5, size - 1};
      // The pages of the index, and of the first slots.
      for (std::uint64_t page = 500; page < 600 && page * 4096 < size; page += 7) sizes.push_back(page * 4096);
      queue.unlink();
    }
    for (const std::uint64_t size : sizes) {
      for (const Form& form : forms()) {
        SCOPED_TRACE(testing::Message() << form.name << ", messages of " << message_size << ", cut to " << size);
        Queue queue = filled(message_size);
        (grows = !grows) ? cut_and_grow(size) : cut(size);
        EXPECT_TRUE(fails_with(Errc::queue_damaged, [&] { form.call(queue); }));
        EXPECT_TRUE(fails_with(Errc::queue_damaged, [&] { forms()[next++ % forms().size()].call(queue); }));
        queue.close();
        Queue::unlink("/q");
      }
    }
  }
}

TEST_F(Truncation, OpeningIsRefusedAndTheOpenQueueCanBeClosedAndItsNameUsedAgain) {
  Queue queue = filled(64);
  cut(4096);
  EXPECT_TRUE(fails_with(Errc::queue_damaged, [] { (void)Queue::open("/q"); }));
  EXPECT_TRUE(fails_with(Errc::queue_damaged, [] { (void)check("/q"); }));
  queue.close();
  Queue::unlink("/q");
  Queue next = Queue::create("/q");
  next.send("x");
  EXPECT_EQ(next.receive().text(), "x");
}

TEST_F(Truncation, LoansThatAreOpenCanBeReadWrittenAndGivenUp) {
  Queue queue = filled(20'000);
  SendLoan writing = queue.loan(20'000);
  SendLoan dropped = queue.loan(20'000);
  ReceiveLoan reading = queue.receive_loan();
  ReceiveLoan put_back = queue.receive_loan();
  EXPECT_TRUE(reading.intact());
  cut(0);
  fill_pattern(writing.bytes(), 1);
  EXPECT_FALSE(whole(reading.bytes()));
  EXPECT_FALSE(reading.intact());
  EXPECT_TRUE(fails_with(Errc::queue_damaged, [&] { writing.send(); }));
  dropped.drop();
  reading.release();
  put_back.put_back();
}

TEST_F(Truncation, WhoSleepsIsToldWhateverIsLeftOfTheFile) {
  for (const bool sends : {false, true}) {
    for (const std::uint64_t left : {std::uint64_t{0}, std::uint64_t{1} << 20}) {
      SCOPED_TRACE(testing::Message() << (sends ? "sender" : "receiver") << ", cut to " << left);
      Queue queue = Queue::create("/q", {.capacity = 4, .message_size = 64});
      if (sends) send_numbers(queue, 4);
      Child sleeper([&] {
        Queue own = Queue::open("/q");
        EXPECT_TRUE(fails_with(Errc::queue_damaged, [&] { sends ? own.send("x") : (void)own.receive(); }));
      });
      wait_until([&] {
        const Statistics statistics = queue.statistics();
        return statistics.waiting_receivers + statistics.waiting_senders == 1;
      });
      cut(left);
      expect_well(sleeper);
      queue.close();
      Queue::unlink("/q");
    }
  }
}

// Zeros are no queue either.
TEST_F(Truncation, WhoSleepsIsToldOfAFileThatWasCutAndGrewAgain) {
  Queue queue = Queue::create("/q", {.capacity = 4, .message_size = 64});
  Child sleeper([&] { EXPECT_TRUE(fails_with(Errc::queue_damaged, [&] { (void)queue.receive(); })); });
  wait_until([&] { return queue.statistics().waiting_receivers == 1; });
  cut_and_grow(file_size() - 1);
  expect_well(sleeper);
}

// The kernel clears what is left of a page in place. Nobody may take that for a message, however far its copy is.
TEST_F(Truncation, ACutInTheMiddleOfAMessageThatIsBeingCopiedIsNeverHandedOut) {
  constexpr std::size_t kSize = 300'000;
  Random random(fresh_seed());
  const int rounds = scaled(200);
  const std::vector<std::byte> sent = tagged(kSize, 1);
  std::vector<std::byte> buffer(kSize);
  for (int round = 0; round < rounds; ++round) {
    Queue queue = Queue::create("/q", {.capacity = 1, .message_size = kSize});
    queue.send(std::span<const std::byte>(sent));
    const std::uint64_t size = file_size() - 4096 - kSize + random.below(kSize - 4096);
    const std::uint64_t moment = random.below(300);
    const bool grows = random.one_in(2);
    SCOPED_TRACE(testing::Message() << "cut to " << size << " after " << moment << " us, grows " << grows);
    std::thread cutter([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(moment));
      grows ? cut_and_grow(size) : cut(size);
    });
    EXPECT_TRUE(fails_with(Errc::queue_damaged, [&] {
      for (;;) {
        ReceiveLoan loan = queue.receive_loan();
        std::copy(loan.bytes().begin(), loan.bytes().end(), buffer.begin());
        if (loan.intact()) {
          ASSERT_EQ(std::memcmp(buffer.data(), sent.data(), kSize), 0);
        }
        loan.put_back();
        for (const Message& message : queue.peek(1))
          ASSERT_EQ(std::memcmp(message.bytes().data(), sent.data(), kSize), 0);
      }
    }));
    cutter.join();
    queue.close();
    Queue::unlink("/q");
  }
}

TEST_F(Truncation, AChildOfForkIsToldToo) {
  Queue queue = filled(20'000);
  cut(0);
  Child child([&] { EXPECT_TRUE(fails_with(Errc::queue_damaged, [&] { queue.send("x"); })); });
  expect_well(child);
}

TEST_F(Truncation, OtherQueuesOfTheProcessGoOn) {
  Queue other = Queue::create("/other", {.capacity = 4, .message_size = 64});
  Queue queue = filled(20'000);
  cut(0);
  EXPECT_TRUE(fails_with(Errc::queue_damaged, [&] { queue.send("x"); }));
  other.send("x");
  EXPECT_EQ(other.receive().text(), "x");
  EXPECT_EQ(broken_invariants("/other"), "");
}

/// Sends or receives until the queue is found damaged. @return how many
std::uint64_t work(bool sends, std::size_t message_size, std::atomic<std::uint64_t>& open) {
  std::uint64_t done = 0;
  try {
    Queue queue = Queue::open("/q");
    ++open;
    std::vector<std::byte> buffer(message_size);
    for (;; ++done) {
      if (sends) {
        queue.send(std::span<const std::byte>(tagged(message_size, done)), done % 3 == 0 ? 5 : 0);
      } else {
        const Received received = queue.receive(buffer);
        EXPECT_TRUE(whole(std::span(buffer).first(received.size))) << "after " << done;
      }
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::queue_damaged) << error.what();
  }
  return done;
}

// Two senders, two receivers, one of each with two threads; cut at a random moment to a random size, once.
TEST_F(Truncation, InTheMiddleOfTrafficEveryMessageIsWholeAndEverybodyIsTold) {
  Random random(fresh_seed());
  const int rounds = scaled(8);
  for (int round = 0; round < rounds; ++round) {
    const std::size_t message_size = std::vector<std::size_t>{64, 3000, 20'000}[random.below(3)];
    Queue queue = Queue::create("/q", {.capacity = 8, .message_size = message_size});
    const SharedArray<std::atomic<std::uint64_t>> counts(4);
    const SharedArray<std::atomic<std::uint64_t>> open(1);
    std::vector<Child> workers;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      workers.emplace_back([&, i] {
        std::uint64_t twin = 0;
        std::thread second;
        if (i % 2 == 0) second = std::thread([&] { twin = work(i < 2, message_size, open[0]); });
        const std::uint64_t done = work(i < 2, message_size, open[0]);
        if (second.joinable()) second.join();
        counts[i].store(done + twin + 1);
      });
    }
    wait_until([&] { return open[0] == 6 && queue.statistics().messages_received > 10 + random.below(2000); });
    // At the head, where the locks are; anywhere; among the slots.
    const std::uint64_t size = std::vector<std::uint64_t>{random.below(8192), random.below(file_size()),
                                                          file_size() - 1 - random.below(300'000)}[random.below(3)];
    const bool grows = random.one_in(2);
    SCOPED_TRACE(testing::Message() << "round " << round << ", messages of " << message_size << ", cut to " << size
                                    << ", grows " << grows);
    grows ? cut_and_grow(size) : cut(size);
    for (Child& worker : workers) expect_well(worker);
    queue.close();
    Queue::unlink("/q");
  }
}

// The thread that looks after polled queues finds it, for nobody calls.
TEST_F(Truncation, ASubscriberIsToldAndCalledNoMore) {
  Queue queue = filled(64);
  (void)drained(queue);
  std::atomic<int> called{0};
  std::atomic<int> told{0};
  std::error_code code;
  const Subscription subscription = on_message(
      queue, [&](Queue&) { ++called; },
      [&](const std::exception_ptr& error) {
        try {
          std::rethrow_exception(error);
        } catch (const Error& thrown) {
          code = thrown.code();
        }
        ++told;
      });
  cut(file_size() / 2);
  wait_until([&] { return told == 1; });
  EXPECT_EQ(code, Errc::queue_damaged);
  EXPECT_EQ(called, 0);
  EXPECT_FALSE(subscription.is_active());
}

}  // namespace
}  // namespace mqxx::test
