// Place: a queue in one of the homes, for tests that mix them or that need no more than one queue of each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include <mqxx/queue.hpp>

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
    const std::string own = "/mqxx-test-" + std::string(name) + "-" + std::to_string(::getpid());
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

}  // namespace mqxx::test
