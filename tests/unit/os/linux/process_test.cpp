// What Linux tells of threads and processes beyond POSIX.
#include "os/process.hpp"

#include <cerrno>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "os/memory.hpp"
#include "support/child.hpp"
#include "support/emulated.hpp"
#include "support/private_directory.hpp"
#include "support/watchdog.hpp"
#include "unit/os/taken_signal.hpp"

namespace mqxx::os {
namespace {

TEST(Process, HasTheNameOfItsProgram) {
  ASSERT_EQ(pthread_setname_np(pthread_self(), "by another name"), 0);  // the main thread's is the process's
  EXPECT_EQ(process_name(getpid()), "by another name");
  EXPECT_EQ(process_name(-1), "");
}

TEST(Process, ThreadMapsAFileOrDoesNot) {
  const test::PrivateDirectory directory;
  const UnnamedFile file = std::move(*create_unnamed(directory.path(), 0600));
  ASSERT_TRUE(resize(file.fd.get(), 4096));
  const auto self = static_cast<std::uint32_t>(gettid());
  EXPECT_EQ(maps(self, file.fd.get()), Maps::no);
  const Result<std::byte*> memory = map_shared(file.fd.get(), 4096);
  ASSERT_TRUE(memory);
  EXPECT_EQ(maps(self, file.fd.get()), Maps::yes);
  unmap(*memory, 4096);
  EXPECT_EQ(maps(0x3fffffff, file.fd.get()), Maps::no) << "no such thread";
}

TEST(Process, WhatAThreadIsDoingIsSeenFromOutside) {
  if (test::kEmulated) GTEST_SKIP() << "what is seen is the emulator";
  EXPECT_EQ(doing(thread_id()), Doing::running);
  test::Child child([] {
    for (;;) pause();
  });
  const auto thread = static_cast<std::uint32_t>(child.pid());
  const auto becomes = [thread](Doing expected) {
    while (doing(thread) != expected) std::this_thread::yield();
  };
  becomes(Doing::sleeping);
  kill(child.pid(), SIGSTOP);
  becomes(Doing::stopped);
  EXPECT_EQ(doing(0x3fffffff), Doing::unknown) << "no such thread";
}

TEST(Process, ThreadsAndUsersOfAProcessAreKnownByItsNumber) {
  std::uint32_t other = 0;
  std::thread([&other] {
    other = thread_id();
    EXPECT_TRUE(is_thread_of(other, getpid()));
  }).join();
  EXPECT_TRUE(is_thread_of(thread_id(), getpid()));
  EXPECT_FALSE(is_thread_of(thread_id(), getppid()));
  EXPECT_TRUE(belongs_to(getpid(), getuid()));
  EXPECT_FALSE(belongs_to(getpid(), getuid() + 1));
}

TEST(Raise, ArrivesAsAMessageFromThisProcessAndUser) {
  test::Child child([] {
    block(SIGUSR1);
    const std::int32_t pid = getpid();
    test::Child sender([pid] {
      errno = EDOM;
      EXPECT_TRUE(raise_for_message(pid, SIGUSR1, kValue));
      EXPECT_EQ(errno, EDOM);
    });
    const std::int32_t sent_by = sender.pid();
    expect_well(sender);
    const siginfo_t info = taken(SIGUSR1);
    EXPECT_EQ(info.si_code, SI_MESGQ);
    EXPECT_EQ(info.si_pid, sent_by);
    EXPECT_EQ(info.si_uid, user_id());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(info.si_value.sival_ptr), kValue);
  });
  expect_well(child);
}

TEST(Raise, InTheNameOfAnotherNamesThatOne) {
  test::Child child([] {
    block(SIGUSR1);
    EXPECT_TRUE(raise_in_name_of(12345, 678, SIGUSR1, 9));
    const siginfo_t info = taken(SIGUSR1);
    EXPECT_EQ(info.si_code, SI_MESGQ);
    EXPECT_EQ(info.si_pid, 12345);
    EXPECT_EQ(info.si_uid, 678U);
    EXPECT_EQ(info.si_value.sival_int, 9);
  });
  expect_well(child);
}

TEST(Process, RunsSomewhere) { EXPECT_GE(current_cpu(), 0); }

}  // namespace
}  // namespace mqxx::os
