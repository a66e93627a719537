// A storm over names: processes create, open, use and remove the same few queues while some of them are killed all the
// time. Nobody meets half a queue, and what the dead leave is swept up, to the last file.
#include <array>
#include <deque>
#include <iostream>
#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

#include "os/doorbell.hpp"
#include "shm/check.hpp"
#include "shm/queue.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "support/seed.hpp"
#include "support/timing.hpp"
#include "support/watchdog.hpp"

namespace mqxx::shm {
namespace {

using namespace std::chrono_literals;
using test::Child;

constexpr std::array<const char*, 3> kNames = {"/storm-a", "/storm-b", "/storm-c"};
constexpr std::size_t kProcesses = 6;

/// What one process of the storm does, and what it has open.
class Tenant {
 public:
  explicit Tenant(std::uint64_t seed) : random_(seed, test::Random::kQuiet) {}

  void act() {
    const std::string name = kNames.at(random_.below(kNames.size()));
    switch (random_.below(6)) {
      case 0: return use(publish(new_queue(name)));
      case 1: return use(attach(name));
      case 2: return keep(publish_unmapped(new_queue(name), os::Blocking::no));
      case 3: return keep(visit(name, os::Blocking::no, visited_));
      default: (void)expected(remove(name));
    }
  }

 private:
  static NewQueue new_queue(const std::string& name) { return {name, 4, 5000, 0600}; }

  /// Whether it succeeded. It may fail because others come first, and for no other reason.
  template <class T>
  static bool expected(const Result<T>& result) {
    if (!result && !result.is(Errc::already_exists) && !result.is(Errc::not_found)) {
      throw std::runtime_error("failed: " + make_error_code(result.failure().code).message());
    }
    return static_cast<bool>(result);
  }

  void use(Result<Segment> segment) {
    if (!expected(segment)) return;
    Result<std::unique_ptr<Queue>> queue = Queue::join(std::move(*segment));
    if (!expected(queue)) return;
    std::array<std::byte, 5000> bytes{};
    Received received;
    (void)(*queue)->send(bytes, 0, Wait::none());
    (void)(*queue)->receive(bytes, Wait::none(), received);
    if (random_.one_in(2)) (void)(*queue)->bell();
    queue_ = std::move(*queue);
  }

  // As src/posix holds and closes what it has not mapped yet.
  void keep(Result<Visit> visit) {
    if (!expected(visit)) return;
    if (visit_.bell) {
      const bool abandoned = os::abandoned(visit_.bell.get());
      visit_.bell.reset();
      if (abandoned) (void)remove_unused(visit_.place);
    }
    visit_ = std::move(*visit);
  }

  test::Random random_;
  std::unique_ptr<Queue> queue_;
  Visit visit_;
  Visited visited_;
};

class NameStorm : public testing::Test {
 protected:
  [[nodiscard]] static Child start(std::uint64_t seed) {
    return Child([seed] {
      for (Tenant tenant(seed);;) tenant.act();
    });
  }
  static void kill(Child& child) {
    const test::Ended ended = child.kill();
    ASSERT_EQ(ended.signal, SIGKILL) << ended.failures;
  }

  test::PrivateDirectory directory_;
  test::Watchdog watchdog_{100s};
  test::Random random_{test::fresh_seed()};
};

TEST_F(NameStorm, NobodyMeetsHalfAQueueAndNothingOfTheDeadStays) {
  std::deque<Child> children;
  for (std::size_t i = 0; i < kProcesses; ++i) children.push_back(start(i));
  const auto end = std::chrono::steady_clock::now() + 2s;
  int deaths = 0;
  for (; std::chrono::steady_clock::now() < end; ++deaths) {
    std::this_thread::sleep_for(std::chrono::microseconds(random_.below(4000)));
    Child& victim = children.at(random_.below(kProcesses));
    kill(victim);
    victim = start(random_.below(~std::uint64_t{0}));
  }
  for (Child& child : children) kill(child);
  std::cout << deaths << " deaths; left before the sweep: " << directory_.file_count() << " files\n";

  for (const char* name : kNames) {
    Result<Segment> segment = attach(name);
    if (segment.is(Errc::not_found)) continue;
    ASSERT_TRUE(segment) << make_error_code(segment.failure().code).message();
    Result<std::unique_ptr<Queue>> queue = Queue::join(std::move(*segment));
    ASSERT_TRUE(queue);
    const Result<std::vector<Broken>> broken = check(**queue);
    ASSERT_TRUE(broken);
    EXPECT_EQ(broken->size(), 0u) << name;
    EXPECT_TRUE(remove(name));
  }
  sweep(directory(), 0);
  EXPECT_EQ(directory_.file_count(), 0u);
}

}  // namespace
}  // namespace mqxx::shm
