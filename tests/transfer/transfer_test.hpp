// TransferTest: a source and a destination, each in one of the homes, and what they hold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include <mqxx/queue.hpp>
#include <mqxx/transfer.hpp>

#include "support/failures.hpp"
#include "support/payload.hpp"
#include "support/private_directory.hpp"
#include "support/timing.hpp"
#include "support/watchdog.hpp"

namespace mqxx::test {

enum class In { shm, kernel, sysv };

#ifdef MQXX_PORT_GENERIC
inline const std::vector<In> kHomes{In::shm};
#else
inline const std::vector<In> kHomes{In::shm, In::kernel, In::sysv};
#endif

inline std::string home_name(In home) {
  switch (home) {
    case In::shm: return "Shm";
    case In::kernel: return "Kernel";
    case In::sysv: break;
  }
  return "SysV";
}

/// A queue that goes with the test. Another process finds it by name().
class Place {
 public:
  Place(In home, std::string_view name, const OpenOptions& options) : home_(home) {
    const std::string own = "/mqxx-transfer-" + std::string(name) + "-" + std::to_string(::getpid());
    switch (home) {
      case In::shm: queue_ = Queue::create(own, options); break;
      case In::kernel: queue_ = Queue::create("kernel:" + own, options); break;
      case In::sysv: queue_ = Queue::create("sysv:private", options); break;
    }
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    std::error_code gone;  // a test may have removed it
    Queue::unlink(name(), gone);
  }

  [[nodiscard]] In home() const { return home_; }
  [[nodiscard]] const std::string& name() const { return queue_.name(); }
  [[nodiscard]] Queue& queue() { return queue_; }
  [[nodiscard]] std::size_t depth() const { return queue_.attributes().depth; }

 private:
  In home_;
  Queue queue_;
};

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
