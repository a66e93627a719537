// Coroutines on queues: in one process, where a race with a timer must not lose a message, and between processes, of
// which one may die while the others wait.
#include <atomic>
#include <cstring>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/deferred.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "asio/asio_test.hpp"
#include "support/child.hpp"
#include "support/competition.hpp"
#include "support/seed.hpp"
#include "support/shared_array.hpp"

namespace mqxx::test {
namespace {

using asio::awaitable;
using asio::use_awaitable;
using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace): || needs it

class AsioCoroutines : public AsioTest {
 protected:
  /// Runs them until each has ended.
  template <class... Coroutines>
  void run_all(Coroutines... coroutines) {
    const auto rethrow = [](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
    };
    (asio::co_spawn(io_, std::move(coroutines), rethrow), ...);
    run();
  }
};

INSTANTIATE_TEST_SUITE_P(Homes, AsioCoroutines, testing::ValuesIn(kHomes), home_name);

TEST_P(AsioCoroutines, ARequestIsAnsweredOverTwoQueues) {
  constexpr int kRounds = 200;
  AsyncQueue requests = async(make_queue());
  AsyncQueue replies = async(make_queue());
  const auto server = [&]() -> awaitable<void> {
    for (int i = 0; i < kRounds; ++i) {
      const Message request = co_await requests.async_receive(use_awaitable);
      co_await replies.async_send(std::string(request.text()) + "!", use_awaitable);
    }
  };
  int answered = 0;
  const auto client = [&]() -> awaitable<void> {
    for (int i = 0; i < kRounds; ++i) {
      co_await requests.async_send(std::to_string(i), use_awaitable);
      const Message reply = co_await replies.async_receive(use_awaitable);
      if (reply.text() == std::to_string(i) + "!") ++answered;
    }
  };
  run_all(server(), client());
  EXPECT_EQ(answered, kRounds);
}

TEST_P(AsioCoroutines, AFailureIsThrown) {
  AsyncQueue queue = async(make_queue());
  std::error_code thrown;
  const auto coroutine = [&]() -> awaitable<void> {
    try {
      co_await queue.async_send("x", kMaxPriority + 1, use_awaitable);
    } catch (const std::system_error& error) {
      thrown = error.code();
    }
  };
  run_all(coroutine());
  EXPECT_EQ(thrown, Errc::invalid_priority);
}

TEST_P(AsioCoroutines, TheDefaultTokenMakesAwaitables) {
  using Awaited = asio::use_awaitable_t<>::as_default_on_t<AsyncQueue>;
  Queue other = make_queue();
  Awaited queue(io_, other.duplicate());
  std::string text;
  const auto coroutine = [&]() -> awaitable<void> {
    co_await queue.async_send("first");
    co_await queue.async_send("before it", 1);
    auto deferred = queue.async_receive(asio::experimental::deferred);
    text = (co_await std::move(deferred)(use_awaitable)).text();
    std::vector<std::byte> buffer(65536);
    text += " " + std::to_string((co_await queue.async_receive(buffer)).size);
  };
  run_all(coroutine());
  EXPECT_EQ(text, "before it 5");
}

TEST_P(AsioCoroutines, AReceiveThatRacesWithATimerLosesNoMessage) {
  const int rounds = scaled(600);
  Queue other = make_queue(8, 16);
  AsyncQueue queue = async(other);
  Random random(fresh_seed());
  int received = 0;
  bool over = false;
  const auto sender = [&]() -> awaitable<void> {
    asio::steady_timer timer(io_);
    for (int i = 0; i < rounds; ++i) {
      co_await queue.async_send("x", use_awaitable);
      timer.expires_after(std::chrono::microseconds(random.below(150)));
      co_await timer.async_wait(use_awaitable);
    }
    over = true;
  };
  const auto receiver = [&]() -> awaitable<void> {
    asio::steady_timer timer(io_);
    while (!over) {
      timer.expires_after(std::chrono::microseconds(random.below(150)));
      const auto first = co_await (queue.async_receive(use_awaitable) || timer.async_wait(use_awaitable));
      if (first.index() == 0) ++received;
    }
  };
  run_all(sender(), receiver());
  while (other.try_receive()) ++received;
  EXPECT_EQ(received, rounds);
}

TEST_P(AsioCoroutines, ACoroutineThatIsCancelledByItsTimerIsToldSo) {
  AsyncQueue queue = async(make_queue());
  std::size_t first = 0;
  const auto coroutine = [&]() -> awaitable<void> {
    asio::steady_timer timer(io_, std::chrono::milliseconds(1));
    first = (co_await (queue.async_receive(use_awaitable) || timer.async_wait(use_awaitable))).index();
  };
  run_all(coroutine());
  EXPECT_EQ(first, 1u);
}

// ---- Processes
// -------------------------------------------------------------------------------------------------------

constexpr std::uint32_t kEnd = ~0U;

/// Receives numbers with two coroutines until each has seen an end mark, and counts how often it saw each number.
awaitable<void> count_numbers(AsyncQueue& queue, const SharedArray<std::atomic<int>>& seen) {
  std::vector<std::byte> buffer(65536);
  for (;;) {
    const Received received = co_await queue.async_receive(buffer, use_awaitable);
    std::uint32_t number = 0;
    EXPECT_EQ(received.size, sizeof number);
    std::memcpy(&number, buffer.data(), sizeof number);
    if (number == kEnd) co_return;
    ++seen[number];
  }
}

constexpr int kCoroutines = 2;

void receive_in_child(const Queue& queue, const SharedArray<std::atomic<int>>& seen) {
  asio::io_context io;
  AsyncQueue async(io, queue.duplicate());
  for (int i = 0; i < kCoroutines; ++i) {
    asio::co_spawn(io, count_numbers(async, seen), [](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
    });
  }
  io.run();
}

/// All homes but the kernel's have a thread for those who poll.
bool may_poll_in_a_child(const std::string& home) { return kThreadsInChildren || home == "kernel:"; }

void send_number(Queue& queue, std::uint32_t number) { queue.send(Payload(&number, sizeof number)); }

TEST_P(AsioCoroutines, ReceiversOfManyProcessesCompeteAndEachMessageArrivesOnce) {
  if (!may_poll_in_a_child(GetParam())) GTEST_SKIP() << "a forked child may start no threads here";
  // In System V who waits looks by itself now and then, which is slow.
  const bool is_slow = std::string(GetParam()) == "sysv:";
  const auto count = static_cast<std::uint32_t>(scaled(is_slow ? 1000 : 10'000));
  constexpr int kProcesses = 3;
  const SharedArray<std::atomic<int>> seen(count);
  Queue queue = make_queue(is_slow ? 64 : 10, 64);
  std::vector<Child> children;
  for (int i = 0; i < kProcesses; ++i) children.emplace_back([&] { receive_in_child(queue, seen); });
  for (std::uint32_t i = 0; i < count; ++i) send_number(queue, i);
  for (int i = 0; i < kProcesses * kCoroutines; ++i) send_number(queue, kEnd);
  for (Child& child : children) expect_well(child);
  for (const auto& times : seen) ASSERT_EQ(times, 1);
}

awaitable<void> take_all(AsyncQueue& queue, const Take& take) {
  std::vector<std::byte> buffer(kCompeted.message_size);
  for (;;) {
    const Received received = co_await queue.async_receive(buffer, use_awaitable);
    if (!take(std::span(buffer).first(received.size))) co_return;
  }
}

TEST_P(AsioCoroutines, ProcessesThatCompeteMissNothing) {
  if (!may_poll_in_a_child(GetParam())) GTEST_SKIP() << "a forked child may start no threads here";
  const std::string home = GetParam();
  const int count = home.empty() ? 100'002 : home == "kernel:" ? 9'999 : 999;
  const Queue queue = make_queue(kCompeted.capacity, kCompeted.message_size);
  compete(queue.name(), static_cast<std::size_t>(scaled(count)), [](const Queue& own, const Take& take) {
    asio::io_context io;
    AsyncQueue async(io, own.duplicate());
    asio::co_spawn(io, take_all(async, take), [](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
    });
    io.run();
  });
}

TEST_P(AsioCoroutines, AProcessThatIsKilledWhileAllWaitTakesNothingWithIt) {
  if (!may_poll_in_a_child(GetParam())) GTEST_SKIP() << "a forked child may start no threads here";
  const auto count = static_cast<std::uint32_t>(scaled(300));
  const SharedArray<std::atomic<int>> seen(count);
  Queue queue = make_queue(10, 64);
  Child killed([&] { receive_in_child(queue, seen); });
  Child other([&] { receive_in_child(queue, seen); });
  send_number(queue, 0);
  wait_until([&] { return seen[0] == 1; });
  std::this_thread::sleep_for(kMoment);  // both wait now, most likely
  killed.kill();
  for (std::uint32_t i = 1; i < count; ++i) send_number(queue, i);
  for (int i = 0; i < kCoroutines; ++i) send_number(queue, kEnd);
  expect_well(other);
  for (const auto& times : seen) ASSERT_EQ(times, 1);
}

}  // namespace
}  // namespace mqxx::test
