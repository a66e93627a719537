// A stranger's program: it uses every public name that is not inline, so that a name which the shared library
// keeps to itself fails here, at link time.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include <mqxx/error.hpp>
#include <mqxx/inspect.hpp>
#include <mqxx/queue.hpp>
#include <mqxx/sysv.hpp>
#include <mqxx/transfer.hpp>
#include <mqxx/typed_queue.hpp>

namespace {

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::exit(1);
}

struct Point {
  int x;
  int y;
};

/// Every name of mqxx/sysv.hpp that is not inline.
void use_sysv() {
  namespace sysv = mqxx::sysv;
  std::error_code code;
  auto queue = sysv::Queue::create(sysv::kPrivate, {}, code);
  if (code == std::errc::function_not_supported) return;
  expect(!code && !sysv::Queue::open(sysv::kPrivate, code).is_open(), "a private queue has no key");
  queue.send("text", 7);
  expect(queue.peek()->type() == 7 && queue.status().messages == 1, "one message of type seven");
  expect(sysv::limits().queues >= sysv::use().queues && !sysv::list().empty(), "it is counted and listed");
  std::byte buffer[8];
  expect(queue.receive(buffer, {.type = 7}).size == 4, "it arrives in a buffer");
  queue.send("more", 1, mqxx::Wait::forever());
  expect(queue.receive({.type = -3}).text() == "more", "and as a message");
  queue.change({.mode = 0640});
  queue.remove();
  expect(sysv::key_of("/", 'm') == sysv::key_of("/", 'm', code), "a file has a key");
  (void)queue.try_receive(sysv::Selection{}, code);
  expect(code == mqxx::Errc::queue_removed, "a removed queue says so");
}

}  // namespace

int main() {
  auto queue = mqxx::Queue::create("/installed", {.capacity = 4, .message_size = 64});

  queue.send("low", 1);
  queue.send("high", 9);
  expect(queue.attributes().depth == 2, "two messages are queued");
  expect(queue.peek().front().text() == "high", "peek shows what comes next");
  expect(queue.receive().text() == "high", "the higher priority leaves first");
  expect(queue.receive().text() == "low", "the lower one follows");
  expect(!queue.try_receive(), "an empty queue gives nothing");
  expect(!queue.receive_for(std::chrono::milliseconds(1)), "nor does waiting change that");

  auto loan = queue.loan(5);
  std::memcpy(loan.bytes().data(), "in it", 5);
  loan.send(3);
  auto taken = queue.receive_loan();
  expect(taken.bytes().size() == 5 && taken.priority() == 3, "a loan arrives");
  taken.release();

  try {
    queue.send(std::string(65, 'x'));
    expect(false, "a message that is too big throws");
  } catch (const mqxx::Error& error) {  // the type is the same one on both sides of the library
    expect(error.code() == mqxx::Errc::message_too_big, "Errc crosses the library's border");
    expect(error.code() == std::errc::message_size, "and equals its errno");
  }
  std::error_code code;
  (void)mqxx::Queue::open("/no-such-queue", {}, code);
  expect(code == mqxx::Errc::not_found && code.category() == mqxx::error_category(), "errors without exceptions");

  auto points = mqxx::TypedQueue<Point>::create("/points");
  points.send({.x = 1, .y = 2});
  expect(points.receive().value.y == 2, "a typed value arrives");

  expect(mqxx::list().size() == 2, "list finds both queues");
  expect(mqxx::describe("/installed").attributes.capacity == 4, "describe knows the capacity");
  expect(mqxx::check("/installed").empty(), "nothing is damaged");
  expect(!mqxx::queue_directory().empty(), "the directory has a name");

  use_sysv();

  auto other = mqxx::Queue::create("/installed-too", {.capacity = 4, .message_size = 64});
  queue.send("on its way");
  expect(mqxx::transfer(queue, other).messages == 1, "a message moves to another queue");
  expect(mqxx::transfer(other, queue, {.count = 1}, code).messages == 1 && !code, "and back");
  expect(queue.receive().text() == "on its way", "whole");
  other.unlink();

  mqxx::Queue::unlink("/installed");
  points.untyped().unlink();
}
