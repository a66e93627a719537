// The same header over Boost.Asio, in one program with the standalone one: it compiles, waits, is cancelled, and its
// errors compare.
#define MQXX_BOOST_ASIO  // NOLINT: the name that the header reads
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <mqxx/asio.hpp>
#include <mqxx/queue.hpp>

#include "support/private_directory.hpp"
#include "support/watchdog.hpp"

namespace mqxx::test {
namespace {

namespace net = boost::asio;
using net::use_awaitable;
using namespace net::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace): || needs it

class BoostAsio : public testing::Test {
 protected:
  PrivateDirectory directory_;
  Watchdog watchdog_{std::chrono::seconds(100)};
  net::io_context io_;
  Queue other_ = Queue::create("/boost", {.capacity = 4, .message_size = 64});
  AsyncQueue queue_{io_, other_.duplicate()};
};

TEST_F(BoostAsio, ACoroutineSendsReceivesAndGivesUp) {
  std::string text;
  std::size_t first = 0;
  const auto coroutine = [&]() -> net::awaitable<void> {
    net::steady_timer timer(io_, std::chrono::milliseconds(1));
    first = (co_await (queue_.async_receive(use_awaitable) || timer.async_wait(use_awaitable))).index();
    co_await queue_.async_send("over Boost", 5, use_awaitable);
    text = (co_await queue_.async_receive(use_awaitable)).text();
  };
  net::co_spawn(io_, coroutine(), [](const std::exception_ptr& error) { EXPECT_FALSE(error); });
  io_.run();
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(text, "over Boost");
}

TEST_F(BoostAsio, ErrorsCompareWithThoseOfTheLibrary) {
  boost::system::error_code refused;
  boost::system::error_code aborted;
  queue_.async_send("x", kMaxPriority + 1, [&](boost::system::error_code code) { refused = code; });
  queue_.async_receive([&](boost::system::error_code code, const Message&) { aborted = code; });
  io_.run_for(std::chrono::milliseconds(10));
  queue_.cancel();
  io_.run();
  EXPECT_EQ(refused, make_error_code(Errc::invalid_priority));
  EXPECT_EQ(refused, std::errc::invalid_argument);
  EXPECT_EQ(aborted, net::error::operation_aborted);
}

TEST_F(BoostAsio, AFutureThrowsWhatFailed) {
  queue_.close();
  auto received = queue_.async_receive(net::use_future);
  io_.run();
  EXPECT_THROW((void)received.get(), boost::system::system_error);
}

}  // namespace
}  // namespace mqxx::test
