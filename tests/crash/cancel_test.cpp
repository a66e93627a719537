// Cancels a thread at the very point where it has been woken and does not know it yet: what it was woken for must find
// somebody else.
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>

#include "base/step.hpp"
#include "os/process.hpp"
#include "shm/queue.hpp"
#include "support/private_directory.hpp"
#include "support/watchdog.hpp"

namespace mqxx::shm {
namespace {

thread_local bool t_victim = false;

// As if the request had come while the thread was on its way out of the kernel.
void cancel_victim(Step step) {
  if (!t_victim || step != Step::waiter_woken) return;
  pthread_cancel(pthread_self());
  pthread_testcancel();
}

/// A thread in a call, asleep when it has been made.
class Sleeper {
 public:
  Sleeper(bool victim, std::function<void()> call)
      : thread_([this, victim, call = std::move(call)] {
          t_victim = victim;
          id_ = os::thread_id();
          call();
          returned_ = true;
        }) {}

  void await_sleep(const Shared<std::uint32_t>& registered, std::uint32_t count) {
    while (registered.get() != count || os::doing(id_) != os::Doing::sleeping) std::this_thread::yield();
  }
  /// @return whether its call returned
  bool join() {
    thread_.join();
    return returned_;
  }

 private:
  std::atomic<std::uint32_t> id_{0};
  std::atomic<bool> returned_{false};
  std::thread thread_;
};

constexpr Wait kCancellable{.cancellation_point = true};

class Cancelled : public testing::Test {
 protected:
  Cancelled() { step_hook = cancel_victim; }
  Cancelled(const Cancelled&) = delete;
  Cancelled& operator=(const Cancelled&) = delete;
  ~Cancelled() override { step_hook = nullptr; }

  void receive(const Wait& wait) {
    std::vector<std::byte> buffer(8);
    Received received;
    EXPECT_TRUE(queue_->receive(buffer, wait, received));
  }
  void send(const Wait& wait) { EXPECT_TRUE(queue_->send(std::vector<std::byte>(8), 0, wait)); }

  /// `victim` and `other` sleep in this order; then `wakes` wakes one of them. When the victim has gone, without its
  /// call having returned, everybody who slept with it was told, and is not counted any more.
  void expect_passed_on(const Sleepers& sleepers, Sleeper& victim, Sleeper& other, const std::function<void()>& wakes) {
    other.await_sleep(sleepers.waiting, 2);
    const std::uint32_t word = sleepers.word;
    wakes();
    EXPECT_FALSE(victim.join());
    EXPECT_EQ(sleepers.word, word + 2) << "one wake-up was for the victim, one was passed on";
    EXPECT_EQ(sleepers.waiting.get(), 0U);
    EXPECT_TRUE(other.join());
  }

  const test::Watchdog watchdog_{std::chrono::seconds(30)};
  const test::PrivateDirectory directory_;
  std::unique_ptr<Queue> queue_ = std::move(*Queue::join(std::move(*publish({"/q", 1, 8, 0600}))));
};

TEST_F(Cancelled, ReceiverThatHadJustBeenWokenPassesItsMessageOn) {
  const Sleepers& sleepers = queue_->segment().sender().receivers;
  Sleeper victim(true, [this] { receive(kCancellable); });
  victim.await_sleep(sleepers.waiting, 1);
  Sleeper other(false, [this] { receive(kCancellable); });
  expect_passed_on(sleepers, victim, other, [this] { send(Wait::none()); });
}

TEST_F(Cancelled, SenderThatHadJustBeenWokenPassesItsSlotOn) {
  send(Wait::none());
  const Sleepers& sleepers = queue_->segment().receiver().senders;
  Sleeper victim(true, [this] { send(kCancellable); });
  victim.await_sleep(sleepers.waiting, 1);
  Sleeper other(false, [this] { send(kCancellable); });
  expect_passed_on(sleepers, victim, other, [this] { receive(Wait::none()); });
}

}  // namespace
}  // namespace mqxx::shm
