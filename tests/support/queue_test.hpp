// QueueTest: what every test of queues in shared memory begins with: a directory of its own, and a watchdog.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <mqxx/inspect.hpp>
#include <mqxx/queue.hpp>

#include "support/failures.hpp"
#include "support/payload.hpp"
#include "support/private_directory.hpp"
#include "support/timing.hpp"
#include "support/watchdog.hpp"

namespace mqxx::test {

class QueueTest : public testing::Test {
 protected:
  static constexpr std::chrono::seconds kLimit{100};

  PrivateDirectory directory_;
  Watchdog watchdog_{kLimit};
};

/// The invariants of a queue, as text: "" when all hold.
inline std::string broken_invariants(std::string_view name) {
  std::string text;
  for (const Finding& finding : check(name)) text += finding.invariant + ": " + finding.text + "\n";
  return text;
}

/// Takes everything that is queued, as text, in order.
inline std::vector<std::string> drained(Queue& queue) {
  std::vector<std::string> texts;
  for (const Message& message : queue.drain()) texts.push_back(text_of(message));
  return texts;
}

inline std::vector<std::string> texts_of(const std::vector<Message>& messages) {
  std::vector<std::string> texts;
  texts.reserve(messages.size());
  for (const Message& message : messages) texts.push_back(text_of(message));
  return texts;
}

/// A buffer that is large enough for one message of the queue.
inline std::vector<std::byte> buffer_for(const Queue& queue) {
  return std::vector<std::byte>(queue.attributes().message_size);
}

/// "0", "1", ... each sent with `priority`.
inline void send_numbers(Queue& queue, std::size_t count, Priority priority = 0) {
  for (std::size_t i = 0; i < count; ++i) queue.send(std::to_string(i), priority);
}

}  // namespace mqxx::test
