// System V queues: what the sysvmq library's document shows, in C++.
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>

#include <unistd.h>

#include <mqxx/sysv.hpp>

namespace {

using mqxx::sysv::Queue;

/// 0xdeadc0de would do; one that nobody else takes lets this program run twice at a time.
mqxx::sysv::Key example_key() { return {0xde000000U | static_cast<std::uint32_t>(::getpid())}; }

void send_and_receive(Queue mq) {
  mq.send("Hellø Wårld!");
  std::cout << mq.status().messages << " message\n";
  std::cout << mq.receive().text() << '\n';
}

void not_wait(Queue mq) {
  if (!mq.try_receive()) std::cout << "nothing there\n";
}

/// Types, which sysvmq's document leaves to be explained: here each stands for somebody.
void address(Queue mq) {
  constexpr mqxx::sysv::Type kAnn = 1;
  constexpr mqxx::sysv::Type kBob = 2;
  constexpr mqxx::sysv::Type kEve = 3;
  mq.send("for Eve", kEve);
  mq.send("for Bob", kBob);
  mq.send("for Ann", kAnn);
  std::cout << mq.peek()->text() << ", the first to come\n";
  std::cout << mq.receive({.type = kBob}).text() << '\n';
  std::cout << mq.receive({.type = kAnn, .except = true}).text() << ", since it is not for Ann\n";
  std::cout << mq.receive({.type = -kEve}).text() << ", the lowest type up to Eve's\n";
}

void explain_limits(Queue mq) {
  try {
    mq.send(std::string(mqxx::sysv::limits().message_size + 1, 'x'));
  } catch (const mqxx::Error& error) {
    const std::string_view text = error.what();
    std::cout << text.substr(text.find("raise it")) << '\n';
  }
}

}  // namespace

int main() {
  Queue mq = Queue::create(example_key(), {.mode = 0666});
  send_and_receive(mq);
  not_wait(mq);
  address(mq);
  explain_limits(mq);
  mq.remove();
}
