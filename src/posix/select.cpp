// select and pselect, with queues as in poll.cpp.
#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include <pthread.h>

#include "posix/descriptors.hpp"
#include "posix/failure.hpp"
#include "posix/polled.hpp"
#include "posix/ready.hpp"
#include "posix/slices.hpp"
#include "posix/system.hpp"

namespace mqxx::posix {
namespace {

/// One fd_set of a call, or none. By words and not by FD_ISSET, which fortified refuses sets larger than FD_SETSIZE.
class Set {
 public:
  explicit Set(fd_set* bits) noexcept : words_(reinterpret_cast<unsigned long*>(bits)) {}
  [[nodiscard]] bool has(int fd) const noexcept {
    return words_ != nullptr && (words_[fd / kBits] >> (fd % kBits) & 1U) != 0;
  }
  void keep(int fd, bool ready) noexcept {
    if (words_ != nullptr && !ready) words_[fd / kBits] &= ~(1UL << (fd % kBits));
  }

 private:
  static constexpr int kBits = sizeof(unsigned long) * CHAR_BIT;
  unsigned long* words_;
};

struct Sets {
  Set readable;
  Set writable;
  Set exceptional;

  Sets(fd_set* r, fd_set* w, fd_set* e) noexcept : readable(r), writable(w), exceptional(e) {}
  [[nodiscard]] bool have(int fd) const noexcept { return readable.has(fd) || writable.has(fd) || exceptional.has(fd); }
};

/// Looks at queues without asking the system, as poll does. The sets are written only when the answer is known.
/// @return how many bits stay; -1: the system has to be asked
int select_queues(int count, Sets sets) noexcept {
  constexpr int kMost = 64;           // more are left to the system
  if (count > FD_SETSIZE) return -1;  // the sets may be smaller: the system looks at what is open only
  std::array<std::pair<int, short>, kMost> seen;
  std::size_t asked = 0;
  int ready = 0;
  for (int fd = 0; fd < count; ++fd) {
    if (!sets.have(fd)) continue;
    Calling calling;
    const std::uintptr_t entry = entry_of(fd);
    if (asked == kMost || entry == 0 || is_private(entry)) return -1;
    const Found found = find(fd, calling);
    if (found.queue == nullptr) return -1;
    const int wanted = (sets.readable.has(fd) ? POLLIN : 0) | (sets.writable.has(fd) ? POLLOUT : 0);
    const std::optional<short> events = ready_events(*found.queue, static_cast<short>(wanted));
    if (!events) return -1;
    ready += ((*events & POLLIN) != 0 ? 1 : 0) + ((*events & POLLOUT) != 0 ? 1 : 0);
    seen[asked++] = {fd, *events};
  }
  if (ready == 0) return -1;
  for (const auto& [fd, events] : std::span(seen).first(asked)) {
    sets.readable.keep(fd, (events & POLLIN) != 0);
    sets.writable.keep(fd, (events & POLLOUT) != 0);
    sets.exceptional.keep(fd, false);
  }
  return ready;
}

/// What the sets asked, for the next slice: a slice that ends without an event clears them. Only the words that a call
/// with `count` reads, for a program's sets may be no larger.
class Question {
 public:
  Question(int count, std::array<fd_set*, 3> sets) noexcept
      : size_(static_cast<std::size_t>(count + kBits - 1) / kBits * sizeof(long)), sets_(sets) {
    each([&](fd_set* set, fd_set& kept) { std::memcpy(&kept, set, size_); });
  }
  void ask_again() noexcept {
    each([&](fd_set* set, const fd_set& kept) { std::memcpy(set, &kept, size_); });
  }

 private:
  static constexpr int kBits = sizeof(long) * CHAR_BIT;

  template <class Copy>
  void each(Copy copy) noexcept {
    for (std::size_t i = 0; i < sets_.size(); ++i) {
      if (sets_[i] != nullptr) copy(sets_[i], kept_[i]);
    }
  }

  std::size_t size_;
  std::array<fd_set*, 3> sets_;
  std::array<fd_set, 3> kept_;
};

/// The arguments of one call, but for the timeout.
struct Call {
  int count;
  std::array<fd_set*, 3> sets;
  const sigset_t* mask;

  [[nodiscard]] Sets bits() const noexcept { return {sets[0], sets[1], sets[2]}; }
};

/// @return whether it has queues to wait for; -1 and errno: one that cannot be polled
int add_queues(Polled& polled, const Call& call) noexcept {
  // By queues and not by bits: sets reach no further than the descriptors that are asked for.
  const int end = std::min(call.count, end_of_descriptors());
  for (int fd = 0; fd < end; ++fd) {
    const std::uintptr_t entry = entry_of(fd);
    if (entry != 0 && !is_private(entry) && call.bits().have(fd) && !polled.add(fd)) return -1;
  }
  return polled.empty() ? 0 : 1;
}

/// REQUIRES: call.count <= FD_SETSIZE
int wait_in_slices(const Call& call, Slices& slices, Polled& polled) {
  Question question(call.count, call.sets);
  return slices.wait(
      [&](const timespec& slice) {
        return system::pselect(call.count, call.sets[0], call.sets[1], call.sets[2], &slice, call.mask);
      },
      [&] {
        question.ask_again();
        polled.look();
        return 0;
      });
}

}  // namespace
}  // namespace mqxx::posix

using namespace mqxx::posix;

extern "C" {

int select(int nfds, fd_set* readfds, fd_set* writefds, fd_set* exceptfds, timeval* timeout) {
  if (no_queues()) return mqxx::posix::system::select(nfds, readfds, writefds, exceptfds, timeout);
  pthread_testcancel();
  const int error = errno;
  const int ready = select_queues(nfds, {readfds, writefds, exceptfds});
  errno = error;
  if (ready > 0) return ready;
  Polled polled;
  const Call call{nfds, {readfds, writefds, exceptfds}, nullptr};
  const int queues = add_queues(polled, call);
  if (queues < 0) return -1;
  const bool wrong = timeout != nullptr && (timeout->tv_sec < 0 || timeout->tv_usec < 0);
  if (queues == 0 || wrong || nfds > FD_SETSIZE) {
    return mqxx::posix::system::select(nfds, readfds, writefds, exceptfds, timeout);
  }
  timespec time{};
  if (timeout != nullptr) time = {timeout->tv_sec + timeout->tv_usec / 1'000'000, timeout->tv_usec % 1'000'000 * 1000};
  Slices slices(timeout == nullptr ? nullptr : &time);
  const int answer = wait_in_slices(call, slices, polled);
  if (timeout != nullptr) {  // Linux says what is left
    const timespec left = timespec_of(slices.left());
    *timeout = {left.tv_sec, left.tv_nsec / 1000};
  }
  return answer;
}

// The parameters are POSIX's.
// NOLINTNEXTLINE(readability-function-size)
int pselect(int nfds, fd_set* readfds, fd_set* writefds, fd_set* exceptfds, const timespec* timeout,
            const sigset_t* mask) {
  Polled polled;
  const Call call{nfds, {readfds, writefds, exceptfds}, mask};
  const int queues = add_queues(polled, call);
  if (queues < 0) return -1;
  if (queues == 0 || !valid(timeout) || nfds > FD_SETSIZE) {
    return mqxx::posix::system::pselect(nfds, readfds, writefds, exceptfds, timeout, mask);
  }
  Slices slices(timeout);
  return wait_in_slices(call, slices, polled);
}
}
