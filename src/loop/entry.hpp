// Entry: one thing that a loop was asked to watch, from the call that asked to the end of its Watch.
//
//   E1  An active entry is in Core::entries_, at `place`; one that has ended is in Core::ended_ until no callback runs.
//   E2  end() is called once, when the entry stops being active, and takes it out of wherever it waits.
// So a callback may end any entry, its own included, and nothing that runs is destroyed.
#pragma once

#include <cstddef>

namespace mqxx::loop {

class Core;

class Entry {
 public:
  explicit Entry(Core& core) noexcept : core_(core) {}
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  virtual ~Entry() = default;

  [[nodiscard]] Core& core() const noexcept { return core_; }
  [[nodiscard]] bool is_active() const noexcept { return active_; }
  /// The loop is being stopped.
  virtual void drain() {}

 protected:
  virtual void end() noexcept {}

 private:
  friend class Core;

  Core& core_;
  std::size_t place_ = 0;
  bool active_ = false;
};

}  // namespace mqxx::loop
