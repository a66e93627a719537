// TransferTest: a source and a destination, each in one of the homes, and what they hold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <mqxx/queue.hpp>
#include <mqxx/transfer.hpp>

#include "support/failures.hpp"
#include "support/payload.hpp"
#include "support/place.hpp"
#include "support/private_directory.hpp"
#include "support/timing.hpp"
#include "support/watchdog.hpp"

namespace mqxx::test {

/// "PRIORITY text", or "" for none.
inline std::string told(const std::optional<Message>& message) {
  return message ? std::to_string(message->priority()) + " " + std::string(message->text()) : "";
}

using Texts = std::vector<std::string>;
inline Texts drain(Queue& queue) {
  Texts texts;
  while (const std::optional<Message> message = queue.try_receive()) texts.push_back(told(message));
  return texts;
}

class TransferTest : public testing::Test {
 protected:
  static constexpr OpenOptions kUsual{.capacity = 10, .message_size = 64};

  PrivateDirectory directory_;
  Watchdog watchdog_{std::chrono::seconds(100)};
};

}  // namespace mqxx::test
