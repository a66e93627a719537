// The ten calls of <mqueue.h>, as Linux answers them. docs/posix.md has every rule.
//  1. -1 and errno on failure; outputs are untouched then. A call that succeeds leaves errno alone.
//  2. No exception crosses this line; the unwinding of a cancelled thread does, from a blocked call.
//  3. Checks come in Linux's order: time, priority, descriptor, access, size, memory, and waiting last.
#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <limits>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>

#include <mqxx/types.hpp>

#include "base/address.hpp"
#include "os/process.hpp"
#include "posix/descriptors.hpp"
#include "posix/failure.hpp"
#include "posix/limits.hpp"
#include "posix/system.hpp"

namespace mqxx::posix {
namespace {

constexpr int kNoAccess = 3;  // O_WRONLY | O_RDWR

/// What the caller has open, as long as the call lasts.
struct Call {
  Calling calling;
  shm::Queue* queue = nullptr;
  OpenQueue* open = nullptr;
  std::uintptr_t access = 0;
  int error_before = errno;

  /// false, and errno: no queue.
  bool find_open(mqd_t descriptor) noexcept {
    const Found found = find(descriptor, calling);
    open = found.queue;
    access = found.access;
    return open != nullptr;
  }
  bool map() noexcept {
    queue = open->queue();
    return queue != nullptr;
  }
  /// errno as it was.
  template <class T>
  T succeed(T value) const noexcept {
    errno = error_before;
    return value;
  }
};

// Of the description, which other descriptors and processes share: so the system knows, and nobody else.
bool is_nonblocking(mqd_t descriptor) noexcept {
  const int flags = system::fcntl(descriptor, F_GETFL, 0);
  const bool nonblocking = flags >= 0 && (flags & O_NONBLOCK) != 0;
  expect_nonblocking(descriptor, nonblocking);
  return nonblocking;
}

bool valid(const timespec* time) noexcept {
  constexpr long kSecond = 1'000'000'000;
  return time == nullptr || (time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < kSecond);
}

Wait blocking(const timespec* until) noexcept {
  Wait wait;
  wait.return_on_signal = true;
  wait.cancellation_point = true;
  wait.enables_cancellation = t_marks->depth > 1 && t_marks->cancel_state == PTHREAD_CANCEL_ENABLE;
  if (until == nullptr) return wait;
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  wait.until = Wait::Until::system;
  wait.deadline_ns = until->tv_sec >= kMost / kSecond ? kMost : std::int64_t{until->tv_sec} * kSecond + until->tv_nsec;
  return wait;
}

/// `attempt(wait)`, waiting as the description says. The system is asked only when it comes to sleeping, or when the
/// description was nonblocking last time: a call that polls with success makes no system call.
template <class Attempt>
Result<void> as_described(mqd_t descriptor, const timespec* until, Attempt attempt) {
  if (expects_nonblocking(descriptor)) {
    const Result<void> now = attempt(Wait::none());
    if (!now.is(Errc::would_block) || is_nonblocking(descriptor)) return now;
  }
  Wait wait = blocking(until);
  wait.may_sleep = [](void* asker) { return !is_nonblocking(*static_cast<mqd_t*>(asker)); };
  wait.asker = &descriptor;
  const Result<void> done = attempt(wait);
  if (done.is(Errc::timed_out) && is_nonblocking(descriptor)) return Errc::would_block;
  return done;
}

// A bad pointer shows here, where it is the caller's affair, and not in the middle of a queue.
void touch(const char* bytes, std::size_t size) noexcept {
  constexpr std::size_t kStep = 4096;
  for (std::size_t at = 0; at < size; at += kStep) (void)*static_cast<const volatile char*>(bytes + at);
  if (size != 0) (void)*static_cast<const volatile char*>(bytes + size - 1);
}

// The three that are called through uncancelled_if_nested() stay functions of their own, for they have things to
// destroy.
[[gnu::noinline]] int send(mqd_t descriptor, const char* bytes, std::size_t size, unsigned priority,
                           const timespec* until) {
  pthread_testcancel();
  if (!valid(until) || priority > kMaxPriority) return refuse<int>(EINVAL);
  Call call;
  if (!call.find_open(descriptor)) return -1;
  if (!may_send(call.access)) return refuse<int>(EBADF);
  if (!call.map()) return -1;
  if (size > call.queue->geometry().message_size) return refuse<int>(EMSGSIZE);
  if (bytes == nullptr && size != 0) return refuse<int>(EFAULT);
  touch(bytes, size);
  const std::span<const std::byte> message(reinterpret_cast<const std::byte*>(bytes), size);
  const Result<void> sent =
      as_described(descriptor, until, [&](const Wait& wait) { return call.queue->send(message, priority, wait); });
  if (!sent) return refuse<int>(sent.failure());
  return call.succeed(0);
}

// Linux takes the message, finds no place for it, and has lost it. Here it stays, unless it has no bytes.
int receive_nowhere(Call& call, mqd_t descriptor, unsigned* priority, const timespec* until) {
  bool taken = false;
  const Result<void> shown = as_described(descriptor, until, [&](const Wait& wait) -> Result<void> {
    const Result<shm::Loan> loan = call.queue->receive_loan(wait);
    if (!loan) return loan.failure();
    taken = loan->bytes.empty();
    if (!taken) return call.queue->put_back_loan(loan->slot);
    if (priority != nullptr) *priority = loan->priority;
    return call.queue->release_loan(loan->slot);
  });
  if (!shown) return refuse<int>(shown.failure());
  return taken ? call.succeed(0) : refuse<int>(EFAULT);
}

[[gnu::noinline]] ssize_t receive(mqd_t descriptor, char* bytes, std::size_t size, unsigned* priority,
                                  const timespec* until) {
  pthread_testcancel();
  if (!valid(until)) return refuse<int>(EINVAL);
  Call call;
  if (!call.find_open(descriptor)) return -1;
  if (!may_receive(call.access)) return refuse<int>(EBADF);
  if (!call.map()) return -1;
  const std::size_t message_size = call.queue->geometry().message_size;
  if (size < message_size) return refuse<int>(EMSGSIZE);
  if (bytes == nullptr) return receive_nowhere(call, descriptor, priority, until);
  (void)*static_cast<volatile char*>(bytes);
  Received received;
  const Result<void> done = as_described(descriptor, until, [&](const Wait& wait) {
    return call.queue->receive({reinterpret_cast<std::byte*>(bytes), message_size}, wait, received);
  });
  if (!done) return refuse<int>(done.failure());
  if (priority != nullptr) *priority = received.priority;
  return call.succeed(static_cast<ssize_t>(received.size));
}

/// 0, or the errno that Linux has for such a name.
int fault_of(std::string_view name) noexcept {
  if (!name.starts_with('/')) return EINVAL;
  const std::string_view bare = name.substr(1);
  if (bare.empty()) return ENOENT;
  if (bare.find('/') != std::string_view::npos || bare == "." || bare == "..") return EACCES;
  return bare.size() > kMaxNameSize ? ENAMETOOLONG : 0;
}

struct Opening {
  std::string name;
  int flags = 0;
  mode_t mode = 0;
  const mq_attr* attributes = nullptr;

  [[nodiscard]] bool wants(int flag) const noexcept { return (flags & flag) == flag; }
  [[nodiscard]] int access() const noexcept { return flags & O_ACCMODE; }
  [[nodiscard]] os::Blocking blocking() const noexcept {
    return wants(O_NONBLOCK) ? os::Blocking::no : os::Blocking::yes;
  }
};

int enter_existing(const Opening& opening, shm::Visit visit) {
  if (opening.wants(O_CREAT | O_EXCL)) return refuse<int>(EEXIST);
  const int access = opening.access();
  if (access == kNoAccess) return refuse<int>(EINVAL);
  if (!os::may_access(visit.uid, visit.gid, visit.mode, access != O_WRONLY, access != O_RDONLY)) {
    return refuse<int>(EACCES);
  }
  if (opening.wants(O_DIRECT)) return refuse<int>(EINVAL);
  return enter(std::move(visit), access);
}

int create(const Opening& opening, bool& lost_the_race) {
  const Limits limit = limits();
  const long capacity =
      opening.attributes != nullptr ? opening.attributes->mq_maxmsg : static_cast<long>(limit.msg_default);
  const long message_size =
      opening.attributes != nullptr ? opening.attributes->mq_msgsize : static_cast<long>(limit.msgsize_default);
  int refused = admit(capacity, message_size, shm::directory());
  if (refused == EMFILE || refused == ENOSPC) {
    // Perhaps for queues whose last user was killed.
    shm::sweep(shm::directory(), 0);
    refused = admit(capacity, message_size, shm::directory());
  }
  if (refused != 0) return refuse<int>(refused);
  Result<shm::Visit> made =
      shm::publish_unmapped({opening.name, static_cast<std::uint64_t>(capacity),
                             static_cast<std::uint64_t>(message_size), static_cast<std::uint32_t>(opening.mode)},
                            opening.blocking());
  lost_the_race = made.is(Errc::already_exists);
  if (!made) return refuse<int>(made.failure());
  if (opening.wants(O_DIRECT)) return refuse<int>(EINVAL);  // as Linux, which has created it by then
  return enter(std::move(*made), opening.access());
}

int open(const Opening& opening) {
  // Bounded, in case others create and remove the queue all the time.
  constexpr int kTries = 100;
  for (int tries = 0;; ++tries) {
    thread_local shm::Visited last;
    Result<shm::Visit> visit = shm::visit(opening.name, opening.blocking(), last);
    if (visit) return enter_existing(opening, std::move(*visit));
    if (!visit.is(Errc::not_found)) {
      // It exists, which is all that two other refusals need.
      if (visit.is(Errc::permission_denied) && opening.wants(O_CREAT | O_EXCL)) return refuse<int>(EEXIST);
      if (visit.is(Errc::permission_denied) && opening.access() == kNoAccess) return refuse<int>(EINVAL);
      return refuse<int>(visit.failure());
    }
    if (!opening.wants(O_CREAT)) return refuse<int>(ENOENT);
    bool lost_the_race = false;
    const int made = create(opening, lost_the_race);
    if (!lost_the_race || tries == kTries) return made;
  }
}

mqd_t open_named(const char* name, int flags, mode_t mode, const mq_attr* attributes) noexcept {
  if (name == nullptr) return refuse<int>(EFAULT);
  const os::Uncancelled uncancelled;
  const int fault = fault_of(name);
  // The kernel takes a descriptor before it reads the name, beyond the slash.
  if (fault != 0 && fault != EINVAL && fault != ENOENT && !UniqueFd(::open("/", O_PATH | O_CLOEXEC))) return -1;
  if (fault != 0) return refuse<int>(fault);
  const int error = errno;
  try {
    const mqd_t opened = open({name, flags, mode, attributes});
    if (opened >= 0) errno = error;
    return opened;
  } catch (const std::bad_alloc&) {
    return refuse<int>(ENOMEM);
  }
}

int unlink_named(const char* name) noexcept {
  if (name == nullptr) return refuse<int>(EFAULT);
  const os::Uncancelled uncancelled;
  const int fault = fault_of(name);
  if (fault != 0) return refuse<int>(fault);
  const int error = errno;
  try {
    const Result<void> removed = shm::remove(name);
    if (!removed) return refuse<int>(removed.failure());
  } catch (const std::bad_alloc&) {
    return refuse<int>(ENOMEM);
  }
  errno = error;
  return 0;
}

[[gnu::noinline]] int change_attributes(mqd_t descriptor, const mq_attr* wanted, mq_attr* before) noexcept {
  if (wanted != nullptr && (wanted->mq_flags & ~long{O_NONBLOCK}) != 0) return refuse<int>(EINVAL);
  Call call;
  if (!call.find_open(descriptor)) return -1;
  const long flags = is_nonblocking(descriptor) ? O_NONBLOCK : 0;
  const long wanted_flags = wanted == nullptr ? flags : wanted->mq_flags;  // read first: both may be one struct
  if (before != nullptr) {
    if (!call.map()) return -1;
    const std::size_t depth = call.queue->depth();
    if (!call.queue->intact()) return refuse<int>(Failure{Errc::queue_damaged});
    *before = {};
    before->mq_flags = flags;
    before->mq_maxmsg = call.queue->geometry().capacity;
    before->mq_msgsize = call.queue->geometry().message_size;
    before->mq_curmsgs = static_cast<long>(depth);
  }
  if (wanted_flags != flags) (void)system::fcntl(descriptor, F_SETFL, wanted_flags);
  return call.succeed(0);
}

}  // namespace
}  // namespace mqxx::posix

using namespace mqxx::posix;

extern "C" {

mqd_t mq_open(const char* name, int oflag, ...) {
  mode_t mode = 0;
  const mq_attr* attributes = nullptr;
  if ((oflag & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, oflag);
    mode = va_arg(arguments, mode_t);
    attributes = va_arg(arguments, const mq_attr*);
    va_end(arguments);
  }
  return open_named(name, oflag, mode, attributes);
}

// What a program calls that was compiled with _FORTIFY_SOURCE and gives two arguments. The name is the C library's.
// NOLINTNEXTLINE(bugprone-reserved-identifier, readability-identifier-naming)
mqd_t __mq_open_2(const char* name, int oflag) {
  if ((oflag & O_CREAT) != 0) return refuse<int>(EINVAL);
  return open_named(name, oflag, 0, nullptr);
}

int mq_close(mqd_t mqdes) {
  const mqxx::os::Uncancelled uncancelled;
  return close(mqdes);
}

int mq_unlink(const char* name) { return unlink_named(name); }

int mq_send(mqd_t mqdes, const char* msg_ptr, size_t msg_len, unsigned msg_prio) {
  return uncancelled_if_nested([=] { return send(mqdes, msg_ptr, msg_len, msg_prio, nullptr); });
}

int mq_timedsend(mqd_t mqdes, const char* msg_ptr, size_t msg_len, unsigned msg_prio, const timespec* abs_timeout) {
  return uncancelled_if_nested([=] { return send(mqdes, msg_ptr, msg_len, msg_prio, abs_timeout); });
}

ssize_t mq_receive(mqd_t mqdes, char* msg_ptr, size_t msg_len, unsigned* msg_prio) {
  return uncancelled_if_nested([=] { return receive(mqdes, msg_ptr, msg_len, msg_prio, nullptr); });
}

ssize_t mq_timedreceive(mqd_t mqdes, char* __restrict msg_ptr, size_t msg_len, unsigned* __restrict msg_prio,
                        const timespec* __restrict abs_timeout) {
  return uncancelled_if_nested([=] { return receive(mqdes, msg_ptr, msg_len, msg_prio, abs_timeout); });
}

int mq_getattr(mqd_t mqdes, mq_attr* mqstat) {
  return uncancelled_if_nested([=] { return change_attributes(mqdes, nullptr, mqstat); });
}

int mq_setattr(mqd_t mqdes, const mq_attr* __restrict mqstat, mq_attr* __restrict omqstat) {
  return uncancelled_if_nested([=] { return change_attributes(mqdes, mqstat, omqstat); });
}

int mq_notify(mqd_t mqdes, const sigevent* notification) {
  constexpr int kMostSignal = 64;
  if (notification != nullptr) {
    const int kind = notification->sigev_notify;
    if (kind != SIGEV_NONE && kind != SIGEV_SIGNAL && kind != SIGEV_THREAD) return refuse<int>(EINVAL);
    if (kind == SIGEV_SIGNAL && (notification->sigev_signo < 0 || notification->sigev_signo > kMostSignal)) {
      return refuse<int>(EINVAL);
    }
  }
  const mqxx::os::Uncancelled uncancelled;
  Call call;
  if (!call.find_open(mqdes)) return -1;
  if (!call.map()) return -1;
  if (notification == nullptr) {
    call.open->notifier().cancel(*call.open);
    return call.succeed(0);
  }
  const int error = call.open->notifier().register_for(*call.open, *notification);
  return error != 0 ? refuse<int>(error) : call.succeed(0);
}
}
