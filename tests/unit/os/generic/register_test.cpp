// One test for each rule of os/generic/register.hpp.
#include "os/generic/register.hpp"

#include <array>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/generic/regions.hpp"
#include "os/lock.hpp"
#include "os/memory.hpp"
#include "os/wait.hpp"
#include "support/child.hpp"
#include "support/private_directory.hpp"
#include "support/watchdog.hpp"

namespace mqxx::os {
namespace {

TEST(Register, NumberIsAProcesssForLife) {
  const std::uint32_t ours = process_number();
  EXPECT_NE(ours, 0U);
  EXPECT_EQ(process_number(), ours);
  EXPECT_TRUE(is_alive(ours));
  auto* const theirs =
      static_cast<std::uint32_t*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  test::Child child([&] {
    *theirs = process_number();
    EXPECT_TRUE(is_alive(ours)) << "its parent";
    EXPECT_TRUE(is_alive(*theirs));
  });
  expect_well(child);
  EXPECT_NE(*theirs, ours);
  EXPECT_FALSE(is_alive(*theirs));
  munmap(theirs, 4096);
}

TEST(Register, NumbersThatTheLivingHaveAreNotGivenOutAgain) {
  const std::uint32_t ours = process_number();
  Register& shared = *shared_register();
  const std::uint32_t given = shared.numbers.exchange(ours - 1);  // as if all others had been given out since
  test::Child child([ours] { EXPECT_NE(process_number(), ours); });
  expect_well(child);
  if (shared.numbers.load() < given) shared.numbers.store(given);
}

TEST(Register, IsMadeOnceByThreadsThatComeTogether) {
  test::Child child([] {
    std::vector<std::thread> threads;
    std::array<std::atomic<std::uint32_t>, 8> numbers{};
    for (auto& number : numbers) threads.emplace_back([&number] { number = process_number(); });
    for (std::thread& thread : threads) thread.join();
    for (const auto& number : numbers) EXPECT_EQ(number.load(), process_number());
  });
  expect_well(child);
}

TEST(Register, ForksInTheMiddleOfOtherThreadsCallsComeThrough) {
  const test::Watchdog watchdog(std::chrono::seconds(50));
  const test::PrivateDirectory directory;
  const UnnamedFile file = std::move(*create_unnamed(directory.path(), 0600));
  std::atomic<bool> over{false};
  std::atomic<std::uint32_t> claims{0};
  std::thread busy([&] {
    while (!over.load()) {
      const std::uint64_t number = file_number(file.fd.get());
      EXPECT_TRUE(hold_claim(number, 1));
      drop_claim(number, 1);
      claims.fetch_add(1);
    }
  });
  while (claims.load() == 0) std::this_thread::yield();
  for (int i = 0; i < 50; ++i) {
    test::Child child([] { EXPECT_NE(process_number(), 0U); });
    expect_well(child);
  }
  over.store(true);
  busy.join();
}

TEST(Register, FingerprintIsTheRegisters) {
  EXPECT_NE(register_identity(), 0U);
  EXPECT_EQ(lock_fingerprint(), static_cast<std::uint32_t>(register_identity()) ^
                                    static_cast<std::uint32_t>(register_identity() >> 32) ^ 0x67656e31U);
}

TEST(Register, WordsAreBoundedWhateverStandsThere) {
  Register& shared = *shared_register();
  const std::uint32_t used = shared.used.exchange(0xffffffffU);
  std::atomic<std::uint32_t> word{0};
  EXPECT_EQ(wake(word, kWakeAll), 0);
  EXPECT_EQ(wait_on(word, 0, Wait::forever(), 1'000'000), Woken::look_up);
  shared.used.store(used);
}

TEST(Regions, AddressIsKnownByItsFileAndPlace) {
  const test::PrivateDirectory directory;
  const UnnamedFile file = std::move(*create_unnamed(directory.path(), 0600));
  ASSERT_TRUE(resize(file.fd.get(), 8192));
  std::vector<std::byte*> mapped;
  for (int i = 0; i < 200; ++i) mapped.push_back(*map_shared(file.fd.get(), 8192));  // more than one chunk
  for (std::byte* memory : mapped) {
    EXPECT_EQ(shared_address(memory + 5000), (SharedAddress{file_number(file.fd.get()), 5000}));
  }
  for (std::byte* memory : mapped) unmap(memory, 8192);
  EXPECT_EQ(shared_address(mapped.front()).file, 0U) << "nobody's any more";
}

}  // namespace
}  // namespace mqxx::os
