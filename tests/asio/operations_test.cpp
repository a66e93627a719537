// Sends and receives with callbacks: when they complete, in which order, where, and what becomes of those that are
// cancelled or forgotten.
// Longer than other tests, since each file that knows Asio takes long to compile.
#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <numeric>
#include <thread>

#include <asio/bind_allocator.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include "asio/asio_test.hpp"

namespace mqxx::test {
namespace {

using asio::error::operation_aborted;

INSTANTIATE_TEST_SUITE_P(Homes, AsioTest, testing::ValuesIn(kHomes), home_name);

// ---- When they complete
// ----------------------------------------------------------------------------------------------

TEST_P(AsioTest, WhatCouldBeDoneAtOnceCompletesAfterTheCallThatStartedIt) {
  AsyncQueue queue = async(make_queue());
  Told<void> sent;
  Told<Message> received;
  queue.async_send("hello", 3, sent.handler());
  queue.async_receive(received.handler());
  EXPECT_EQ(sent.times + received.times, 0);
  run();
  EXPECT_EQ(sent.times, 1);
  EXPECT_FALSE(sent.code);
  EXPECT_EQ(received.times, 1);
  EXPECT_EQ(received.value.text(), "hello");
  EXPECT_EQ(received.value.priority(), 3u);
}

TEST_P(AsioTest, AReceiveWaitsForAMessageOfAnother) {
  Queue other = make_queue();
  AsyncQueue queue = async(other);
  std::array<std::byte, 65536> buffer{};
  Told<Received> received;
  queue.async_receive(buffer, received.handler());
  rest();
  EXPECT_EQ(received.times, 0);
  other.send("late", 7);
  run();
  EXPECT_EQ(received.times, 1);
  EXPECT_FALSE(received.code);
  EXPECT_EQ(received.value.size, 4u);
  EXPECT_EQ(received.value.priority, 7u);
}

TEST_P(AsioTest, ASendWaitsForRoom) {
  Queue other = make_queue(2, 8);
  while (other.try_send("12345678")) {
  }
  AsyncQueue queue = async(other);
  Told<void> sent;
  queue.async_send("a waiter", sent.handler());
  rest();
  EXPECT_EQ(sent.times, 0);
  while (
      other.try_receive()) {  // all: System V tells of room for a message of the greatest size, and of less it does not
  }
  run();
  EXPECT_EQ(sent.times, 1);
  EXPECT_FALSE(sent.code);
  EXPECT_EQ(other.receive().text(), "a waiter");
}

TEST_P(AsioTest, OperationsOfADirectionAreDoneInTheOrderOfTheirStart) {
  constexpr int kCount = 40;
  Queue other = make_queue();
  AsyncQueue queue = async(other);
  std::vector<int> order;
  for (int i = 0; i < kCount; ++i) {
    queue.async_receive([&, i](std::error_code code, const Message& message) {
      EXPECT_FALSE(code);
      EXPECT_EQ(message.text(), std::to_string(i));
      order.push_back(i);
    });
  }
  std::vector<std::string> texts;
  for (int i = 0; i < kCount; ++i) texts.push_back(std::to_string(i));
  for (const std::string& text : texts) queue.async_send(text, [](std::error_code code) { EXPECT_FALSE(code); });
  run();
  std::vector<int> expected(kCount);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(order, expected);
}

TEST_P(AsioTest, ABatchIsSentAsRoomComesAndReceivedAsItIsThere) {
  constexpr std::size_t kCount = 50;
  AsyncQueue queue = async(make_queue(4, 16));
  const std::vector<Outgoing> batch(kCount, Outgoing{.payload = "sixteen bytes...", .priority = 1});
  std::size_t sent = 0;
  queue.async_send_batch(batch, [&](std::error_code code, std::size_t count) {
    EXPECT_FALSE(code);
    sent = count;
  });
  std::vector<std::vector<std::byte>> buffers(3, std::vector<std::byte>(65536));
  std::vector<Incoming> room;
  for (auto& buffer : buffers) room.push_back({.buffer = buffer});
  std::size_t received = 0;
  std::function<void(std::error_code, std::size_t)> next = [&](std::error_code code, std::size_t count) {
    ASSERT_FALSE(code);
    EXPECT_GE(count, 1u);
    EXPECT_EQ(room[0].size, 16u);
    received += count;
    if (received < kCount) queue.async_receive_batch(room, next);
  };
  queue.async_receive_batch(room, next);
  run();
  EXPECT_EQ(sent, kCount);
  EXPECT_EQ(received, kCount);
}

// The executor of a future's handler is one of its own, and yet run() does not end before the future is there.
TEST_P(AsioTest, AFutureIsThereWhenTheContextHasNothingLeftToDo) {
  AsyncQueue queue = async(make_queue());
  for (int i = 0; i < 100; ++i) {
    auto received = queue.async_receive(asio::use_future);
    auto sending = queue.async_send("for the future", asio::use_future);
    run();
    ASSERT_EQ(sending.wait_for(0s), std::future_status::ready);
    ASSERT_EQ(received.wait_for(0s), std::future_status::ready);
    EXPECT_EQ(received.get().text(), "for the future");
  }
}

// ---- Errors
// ----------------------------------------------------------------------------------------------------------

TEST_P(AsioTest, AFailureIsToldAndTheNextOperationGoesOn) {
  AsyncQueue queue = async(make_queue(4, 64));
  Told<void> refused;
  Told<void> sent;
  queue.async_send("x", kMaxPriority + 1, refused.handler());
  queue.async_send("good", sent.handler());
  run();
  EXPECT_EQ(refused.code, Errc::invalid_priority);
  EXPECT_FALSE(sent.code);
  EXPECT_EQ(sent.times, 1);
  std::array<std::byte, 1> small{};
  Told<Received> failed;
  Told<Message> received;
  queue.async_receive(small, failed.handler());
  queue.async_receive(received.handler());
  run();
  EXPECT_EQ(failed.code, Errc::buffer_too_small);
  EXPECT_EQ(received.value.text(), "good") << "the message stays queued";
}

TEST_P(AsioTest, WhatIsStartedOnAClosedQueueIsClosed) {
  AsyncQueue queue = async(make_queue());
  queue.close();
  EXPECT_FALSE(queue.is_open());
  Told<Message> received;
  queue.async_receive(received.handler());
  EXPECT_EQ(received.times, 0);
  run();
  EXPECT_EQ(received.code, Errc::closed);
  EXPECT_EQ(received.code, std::errc::bad_file_descriptor);
}

TEST_P(AsioTest, AClosedHandleMakesNoAsyncQueue) { EXPECT_THROW((AsyncQueue{io_, Queue()}), Error); }

TEST_P(AsioTest, TheDescriptionStaysBlocking) {
  Queue other = make_queue();
  AsyncQueue queue = async(other);
  Told<Message> received;
  queue.async_receive(received.handler());
  rest();
  EXPECT_FALSE(other.is_nonblocking());
  other.send("x");
  run();
  EXPECT_EQ(received.times, 1);
}

TEST_P(AsioTest, TheDescriptionIsAtNoMomentNonblockingForOthers) {
  const Queue other = make_queue();
  std::atomic<bool> seen = false;
  std::jthread observer([&](const std::stop_token& over) {
    while (!over.stop_requested()) {
      if (other.is_nonblocking()) seen = true;
    }
  });
  for (int i = 0; i < 100; ++i) (void)async(other);
  observer.request_stop();
  observer.join();
  EXPECT_FALSE(seen);
}

TEST_P(AsioTest, AQueueThatIsRemovedWhileItIsWaitedForSaysSoOrLivesOn) {
  Queue other = make_queue();
  AsyncQueue queue = async(other);
  Told<Message> received;
  queue.async_receive(received.handler());
  rest();
  Queue::unlink(other.name());
  if (std::string(GetParam()) != "sysv:") other.send("still here");
  run();
  ASSERT_EQ(received.times, 1);
  if (std::string(GetParam()) == "sysv:") {
    EXPECT_EQ(received.code, Errc::queue_removed);
  } else {
    EXPECT_EQ(received.value.text(), "still here");
  }
}

// ---- Cancelling
// ------------------------------------------------------------------------------------------------------

TEST_P(AsioTest, ACancelledReceiveLeavesTheMessageInTheQueue) {
  Queue other = make_queue();
  AsyncQueue queue = async(other);
  other.send("stays");
  asio::cancellation_signal signal;
  Told<Message> received;
  queue.async_receive(asio::bind_cancellation_slot(signal.slot(), received.handler()));
  signal.emit(asio::cancellation_type::total);
  run();
  EXPECT_EQ(received.times, 1);
  EXPECT_EQ(received.code, operation_aborted);
  EXPECT_EQ(other.attributes().depth, 1u);
  signal.emit(asio::cancellation_type::terminal);  // the operation is over: nothing happens
  EXPECT_EQ(run(), 0u);
}

TEST_P(AsioTest, OnlyTheCancelledOneOfManyLeavesTheLine) {
  Queue other = make_queue();
  AsyncQueue queue = async(other);
  std::array<asio::cancellation_signal, 3> signals;
  std::array<Told<Message>, 3> received;
  for (std::size_t i = 0; i < 3; ++i) {
    queue.async_receive(asio::bind_cancellation_slot(signals[i].slot(), received[i].handler()));
  }
  rest();
  signals[0].emit(asio::cancellation_type::partial);  // it is the one that the others wait behind
  signals[1].emit(asio::cancellation_type::none);     // means nothing
  rest();
  EXPECT_EQ(received[0].code, operation_aborted);
  EXPECT_EQ(received[1].times + received[2].times, 0);
  other.send("second");
  other.send("third");
  run();
  EXPECT_EQ(received[1].value.text(), "second");
  EXPECT_EQ(received[2].value.text(), "third");
}

TEST_P(AsioTest, NothingIsWaitedForWhenTheLastOperationWasCancelled) {
  Queue other = make_queue();
  AsyncQueue queue = async(other);
  asio::cancellation_signal signal;
  for (int round = 0; round < 3; ++round) {
    Told<Message> received;
    queue.async_receive(asio::bind_cancellation_slot(signal.slot(), received.handler()));
    if (round < 2) rest();
    signal.emit(asio::cancellation_type::terminal);
    run();  // returns, or the watchdog barks
    EXPECT_EQ(received.code, operation_aborted);
  }
  Told<Message> received;
  queue.async_receive(asio::bind_cancellation_slot(signal.slot(), received.handler()));
  rest();
  signal.emit(asio::cancellation_type::terminal);
  Told<Message> another;
  queue.async_receive(another.handler());  // comes while the wait is being stopped
  other.send("for another");
  run();
  EXPECT_EQ(received.code, operation_aborted);
  EXPECT_EQ(another.value.text(), "for another");
}

TEST_P(AsioTest, CancelAndCloseAndDestructionCompleteWhatIsPending) {
  Queue full = make_queue(1, 8);
  while (full.try_send("12345678")) {
  }
  Queue empty = make_queue();
  Told<Message> received;
  Told<void> sent;
  std::optional<AsyncQueue> in(async(empty));
  std::optional<AsyncQueue> out(async(full));
  const auto start = [&] {
    in->async_receive(received.handler());
    out->async_send("waiting!", sent.handler());
    rest();
  };
  start();
  in->cancel();
  out->cancel();
  run();
  EXPECT_EQ(received.times + sent.times, 2);
  start();
  in->close();
  out.reset();
  run();
  EXPECT_EQ(received.times + sent.times, 4);
  EXPECT_EQ(received.code, operation_aborted);
  EXPECT_EQ(sent.code, operation_aborted);
}

// ---- Executors, allocators, the end of a context
// ---------------------------------------------------------------------

TEST_P(AsioTest, AHandlerRunsOnItsExecutor) {
  Queue other = make_queue();
  AsyncQueue queue = async(other);
  asio::thread_pool pool(1);
  std::promise<std::thread::id> where;
  queue.async_receive(asio::bind_executor(pool, [&](std::error_code, const Message& message) {
    EXPECT_EQ(message.text(), "elsewhere");
    where.set_value(std::this_thread::get_id());
  }));
  std::jthread sender([&] {
    std::this_thread::sleep_for(kMoment);
    other.send("elsewhere");
  });
  auto guard = asio::make_work_guard(io_);
  std::jthread runner([&] { io_.run(); });
  const std::thread::id id = where.get_future().get();
  EXPECT_NE(id, runner.get_id());
  EXPECT_NE(id, std::this_thread::get_id());
  guard.reset();
}

/// Counts what is allocated and not freed.
template <class T>
struct Counting {
  using value_type = T;
  Counting(int* left_now, int* made_ever) : left(left_now), made(made_ever) {}
  template <class U>
  Counting(const Counting<U>& other) : left(other.left), made(other.made) {}  // NOLINT: allocators convert
  T* allocate(std::size_t count) {
    ++*left;
    ++*made;
    return std::allocator<T>().allocate(count);
  }
  void deallocate(T* place, std::size_t count) {
    --*left;
    std::allocator<T>().deallocate(place, count);
  }
  bool operator==(const Counting&) const = default;
  int* left;
  int* made;
};

TEST_P(AsioTest, AnOperationLivesInMemoryOfItsHandlersAllocatorAndFreesItFirst) {
  AsyncQueue queue = async(make_queue());
  int left = 0;
  int made = 0;
  int left_in_handler = -1;
  queue.async_send(
      "x", asio::bind_allocator(Counting<void*>(&left, &made), [&](std::error_code) { left_in_handler = left; }));
  EXPECT_GE(left, 1);
  run();
  EXPECT_GE(made, 1);
  EXPECT_EQ(left, 0);
  EXPECT_LE(left_in_handler, 1) << "the step in which it runs, and no operation";
}

TEST_P(AsioTest, TheEndOfAContextForgetsWhatIsPending) {
  auto witness = std::make_shared<int>(0);
  Queue other = make_queue();
  {
    asio::io_context io;
    auto queue = std::make_shared<AsyncQueue>(io, other.duplicate());
    for (int i = 0; i < 3; ++i) {
      // Each owns the queue, as a coroutine would.
      queue->async_receive([witness, queue](std::error_code, const Message&) { FAIL() << "called after the end"; });
    }
    (void)io.run_for(kMoment);
    auto busy = std::make_shared<AsyncQueue>(io, other.duplicate());
    busy->async_receive([witness, busy](std::error_code, const Message&) { FAIL() << "called after the end"; });
    EXPECT_EQ(witness.use_count(), 5);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

// ---- Threads
// ---------------------------------------------------------------------------------------------------------

TEST_P(AsioTest, ManyThreadsShareOneAsyncQueueAndNothingIsLost) {
  const int count = scaled(2000);
  AsyncQueue queue = async(make_queue(8, 16));
  std::atomic<int> sent = 0;
  std::atomic<int> started = 0;
  std::atomic<int> received = 0;
  std::atomic<long> sum = 0;
  const auto strand = asio::make_strand(io_);
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) texts.push_back(std::to_string(i));
  std::function<void()> receive = [&] {
    if (started++ >= count) return;
    queue.async_receive([&](std::error_code code, const Message& message) {
      ASSERT_FALSE(code);
      sum += std::stol(std::string(message.text()));
      ++received;
      receive();
    });
  };
  for (int i = 0; i < 4; ++i) receive();
  for (const std::string& text : texts) {
    const auto handler = [&](std::error_code code) {
      ASSERT_FALSE(code);
      ++sent;
    };
    queue.async_send(text, asio::bind_executor(strand, handler));
  }
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { io_.run(); });
  }
  EXPECT_EQ(sent, count);
  EXPECT_EQ(received, count);
  EXPECT_EQ(sum, static_cast<long>(count) * (count - 1) / 2);
}

TEST_P(AsioTest, ThreadsThatCancelAndStartAtOnceLoseNothing) {
  const int count = scaled(400);
  Queue other = make_queue(8, 16);
  AsyncQueue queue = async(other);
  std::atomic<int> received = 0;
  std::atomic<int> over = 0;
  auto guard = asio::make_work_guard(io_);
  std::vector<std::jthread> runners;
  for (int i = 0; i < 2; ++i) runners.emplace_back([&] { io_.run(); });
  std::jthread sender([&] {
    for (int i = 0; i < count; ++i) other.send("x");
  });
  std::jthread canceller([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      queue.cancel();
      std::this_thread::yield();
    }
  });
  while (received < count) {
    std::promise<void> done;
    queue.async_receive([&](std::error_code code, const Message& message) {
      if (code) {
        EXPECT_EQ(code, operation_aborted);
        EXPECT_TRUE(message.empty());
      } else {
        ++received;
      }
      ++over;
      done.set_value();
    });
    done.get_future().get();
  }
  sender.join();
  EXPECT_FALSE(other.try_receive());
  guard.reset();
}

}  // namespace
}  // namespace mqxx::test
