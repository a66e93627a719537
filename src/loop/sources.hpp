// Sources: the descriptors that a loop polls, each once however many watch it, and who is told when one is ready.
//
//   S1  by_descriptor_ has exactly the sources that have watchers or wait to be updated; each is in the poller once.
//   S2  Outside a turn, `polled` of a source that does not wait to be updated is what its watchers want.
//   S3  Who was told of an edge and has not come to the end of what it told of is unread: it goes on in each turn.
// What a queue's watchers want is brought to the poller before the next wait and not at once: who receives a message,
// handles it and waits again costs no system call. The source keeps the queue meanwhile, so that its descriptor cannot
// become another. A plain descriptor is its owner's, who may close it: there it is brought at once.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <mqxx/queue.hpp>

#include "loop/entry.hpp"
#include "os/poller.hpp"

namespace mqxx::loop {

class SourceEntry : public Entry {
 public:
  SourceEntry(Core& core, Events wanted) noexcept : Entry(core), wanted_(wanted) {}

  /// @return false when there is nothing: then none behind it that stands in line for the same is asked in this turn
  virtual bool ready(Events events) = 0;
  /// The turn of one that is unread. @return whether there may be more
  virtual bool go_on() { return false; }

  [[nodiscard]] Events wanted() const noexcept { return wanted_; }
  [[nodiscard]] virtual bool stands_in_line() const noexcept { return false; }

 protected:
  void end() noexcept override;

 private:
  friend class Sources;

  Events wanted_;
  std::uint32_t source_ = 0;
  bool unread_ = false;
  SourceEntry* before_ = nullptr;  // in the list of the unread
  SourceEntry* after_ = nullptr;
};

class DescriptorEntry final : public SourceEntry {
 public:
  using Callback = std::function<void(Events)>;
  DescriptorEntry(Core& core, Events wanted, Callback callback)
      : SourceEntry(core, wanted), callback_(std::move(callback)) {}

  bool ready(Events events) override {
    callback_(events);
    return true;
  }

 private:
  Callback callback_;
};

class Sources {
 public:
  explicit Sources(os::Poller poller) noexcept : poller_(std::move(poller)) {}

  /// `queue` is the one that the descriptor belongs to, if it is one's. Nothing has changed after a failure.
  Result<void> add(SourceEntry& entry, int descriptor, const Queue* queue);
  void remove(SourceEntry& entry) noexcept;

  /// Waits, unless events are left over from a turn that an exception has ended. Then dispatch() tells of them.
  void wait(std::int64_t deadline_ns);
  void dispatch();
  /// From now on it is unread, until go_on() finds no more, or it ends.
  void set_unread(SourceEntry& entry) noexcept;
  [[nodiscard]] bool any_unread() const noexcept { return first_unread_ != nullptr; }
  /// Gives each of the unread its turn; those that an exception has left out, in the next call.
  void go_on();
  /// Brings to the poller what was put off.
  void settle() noexcept;
  void wake() noexcept { poller_.wake(); }

  /// The poller is no more to be changed: its loop ends, or it is another process's.
  void abandon() noexcept { abandoned_ = true; }

 private:
  struct Source {
    int descriptor = -1;
    std::uint32_t generation = 0;  // rises when the place is given to another
    Events polled = Events::none;
    Queue queue;                         // open if it is a queue's
    std::vector<SourceEntry*> watchers;  // null: it ended while they were being told
    bool to_update = false;
  };

  static std::uint64_t number_of(std::uint32_t index, const Source& source) noexcept {
    return std::uint64_t{source.generation} << 32 | index;
  }
  /// Null when the number is that of a source which is no more.
  Source* find(std::uint64_t number) noexcept;
  std::uint32_t place_for(int descriptor);
  Result<void> poll(std::uint32_t index, Events wanted) noexcept;
  void update(std::uint32_t index) noexcept;
  void tell(const os::Ready& ready);
  void close_gaps(Source& source) noexcept;
  void set_read(SourceEntry& entry) noexcept;

  static constexpr std::size_t kMostReady = 256;  // sources a turn: the others come first in the next

  os::Poller poller_;
  bool abandoned_ = false;
  std::vector<Source> sources_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<int, std::uint32_t> by_descriptor_;
  std::vector<std::uint32_t> to_update_;

  // Where the turn is: kept, because an exception may end it anywhere.
  std::array<os::Ready, kMostReady> ready_{};
  std::size_t ready_count_ = 0;
  std::size_t next_ready_ = 0;         // that is told now, or next
  std::size_t next_watcher_ = 0;       // of it
  std::size_t last_watcher_ = 0;       // those behind came later and are told in the next turn
  Events nothing_for_ = Events::none;  // what those who stand in line need not ask for
  SourceEntry* first_unread_ = nullptr;
  SourceEntry* last_unread_ = nullptr;
  SourceEntry* next_unread_ = nullptr;  // whose turn it is; null: that of the first
};

}  // namespace mqxx::loop
