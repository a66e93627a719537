// What the document of the Ruby library posix_mq shows: a process that talks to itself. It says hello, finds nothing
// without waiting, and has a signal tell it of a message.
#include <csignal>
#include <iostream>

#include <mqxx/notification.hpp>
#include <mqxx/queue.hpp>

int main() {
  auto mq = mqxx::Queue::create("/ruby-example", {.exclusive = false});

  // hello world
  mq.send("hello world");
  std::cout << mq.receive().text() << '\n';

  // non-blocking operation
  mq.set_nonblocking(true);
  try {
    mq.receive();
  } catch (const mqxx::Error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again) std::cout << "EAGAIN: nothing there\n";
  }

  // Ruby runs its handlers between two instructions of its own; in C++ a signal is waited for where it may do anything.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  mqxx::notify_by_signal(mq, SIGUSR1);
  mq.send("fire USR1 handler");
  int signal = 0;
  ::sigwait(&signals, &signal);
  std::cout << mq.receive().text() << '\n';
  mq.unlink();
}
