#include "api/sysv_calls.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "os/interrupter.hpp"
#include "os/process.hpp"
#include "os/sysv_queue.hpp"
#include "os/wait.hpp"

namespace mqxx::api {
namespace {

using sysv::Changes;
using sysv::CreateOptions;
using sysv::Key;
using sysv::Selection;
using sysv::Status;

bool may_be_stopped(const Wait& wait) noexcept { return wait.stop != nullptr && wait.stop->stop_possible(); }

/// `attempt(may_wait)` is the system call. System V knows no times and no tokens: an Interrupter ends the call for
/// them.
template <class Attempt>
Result<void> attempt_and_wait(const Wait& wait, Attempt attempt) noexcept {
  Result<void> done = attempt(false);
  if (!done.is(Errc::would_block) || wait.until == Wait::Until::now) return done;
  if (wait.until == Wait::Until::forever && !may_be_stopped(wait)) {
    do done = attempt(true);
    while (done.is(Errc::interrupted) && !wait.return_on_signal);
    return done;
  }
  os::Interrupter interrupter(wait);
  if (!interrupter.ready()) return interrupter.ready();
  for (;;) {
    if (may_be_stopped(wait) && wait.stop->stop_requested()) return Errc::stopped;
    if (os::passed(wait)) return Errc::timed_out;
    done = attempt(true);
    const bool by_us = interrupter.struck();
    if (!done.is(Errc::interrupted) || (wait.return_on_signal && !by_us)) return done;
  }
}

/// The room of the queue, if a text of that size will never fit: its sender would wait for nothing.
std::optional<std::uint64_t> room_too_small(int queue, std::size_t size) noexcept {
  const Result<os::SysvFacts> facts = os::sysv_facts(queue);
  if (!facts || std::max<std::uint64_t>(size, 1) <= facts->most_bytes) return std::nullopt;
  return facts->most_bytes;
}

os::SysvReceiving receiving(const Selection& selection, bool may_wait) noexcept {
  return {.type = selection.type, .except = selection.except, .truncate = selection.truncate, .wait = may_wait};
}

// The kernel would take no notice of an `except` that excepts nothing.
Result<void> checked(int queue, const Selection& selection) noexcept {
  if (queue < 0) return Errc::closed;
  if (selection.except && selection.type <= 0) return Failure{Errc::invalid_argument, EINVAL};
  return {};
}

/// Memory that the kernel fills, and what it filled.
struct Place {
  std::unique_ptr<std::byte[]> memory;
  os::SysvReceived received{};

  [[nodiscard]] std::byte* text() const noexcept { return memory.get() + os::kSysvTypeBytes; }
  /// As much memory as the message has bytes, if there is that much; else all of it: what has left the queue is not
  /// lost.
  sysv::Message owned() noexcept {
    const std::span<const std::byte> bytes(text(), received.size);
    try {
      return {Message(bytes, 0), received.type};
    } catch (const std::bad_alloc&) {
      std::memmove(memory.get(), bytes.data(), bytes.size());
      return {Message(std::move(memory), received.size, 0), received.type};
    }
  }
};

/// `take(room, received)` into twice as much room until the message fits: nobody tells how long it is.
template <class Take>
Result<sysv::Message> message_by(Take take) noexcept {
  constexpr std::size_t kMostRoom = std::size_t{1} << 31;
  for (std::size_t size = os::kSysvSmallText;; size *= 2) {
    Place place{.memory = std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[os::kSysvTypeBytes + size])};
    if (place.memory == nullptr) return Errc::no_memory;
    const Result<void> done = take(std::span(place.text(), size), place.received);
    if (done) return place.owned();
    if (!done.is(Errc::buffer_too_small) || size >= kMostRoom) return done.failure();
  }
}

std::int32_t kernel_key(Key key) noexcept { return static_cast<std::int32_t>(key.number()); }

Result<void> give_room(int queue, std::uint64_t most_bytes) noexcept {
  const Result<os::SysvFacts> facts = os::sysv_facts(queue);
  if (!facts) return facts.failure();
  return os::change_sysv_queue(queue,
                               {.uid = facts->uid, .gid = facts->gid, .mode = facts->mode, .most_bytes = most_bytes});
}

bool is_owner(const os::SysvFacts& facts) noexcept {
  const std::uint32_t user = os::user_id();
  return user == 0 || user == facts.uid || user == facts.creator_uid;
}

Status status_of(const os::SysvFacts& facts) noexcept {
  const auto time_of = [](std::int64_t seconds) { return Status::Time(std::chrono::seconds(seconds)); };
  return {.id = facts.queue,
          .key = Key(static_cast<std::uint32_t>(facts.key)),
          .uid = facts.uid,
          .gid = facts.gid,
          .creator_uid = facts.creator_uid,
          .creator_gid = facts.creator_gid,
          .mode = facts.mode,
          .messages = facts.messages,
          .queued_bytes = facts.queued_bytes,
          .most_bytes = facts.most_bytes,
          .last_sender_pid = facts.last_sender_pid,
          .last_receiver_pid = facts.last_receiver_pid,
          .last_send = time_of(facts.last_send_s),
          .last_receive = time_of(facts.last_receive_s),
          .changed = time_of(facts.changed_s)};
}

}  // namespace

// ---- Messages

Result<void> sysv_send(int queue, Payload text, sysv::Type type, const Wait& wait, SysvAsked& asked) noexcept {
  if (queue < 0) return Errc::closed;
  asked.size = text.size();
  return attempt_and_wait(wait, [&](bool may_wait) -> Result<void> {
    const Result<void> sent = os::send_sysv(queue, text.bytes(), type, may_wait);
    if (!sent.is(Errc::would_block)) return sent;
    asked.room = room_too_small(queue, text.size());
    return asked.room ? Failure{Errc::message_too_big, EMSGSIZE} : sent.failure();
  });
}

Result<sysv::Received> sysv_receive(int queue, std::span<std::byte> buffer, const Selection& selection,
                                    const Wait& wait) noexcept {
  const Result<void> valid = checked(queue, selection);
  if (!valid) return valid.failure();
  os::SysvReceived received;
  const Result<void> done = attempt_and_wait(
      wait, [&](bool may_wait) { return os::receive_sysv(queue, buffer, receiving(selection, may_wait), received); });
  if (!done) return done.failure();
  return sysv::Received{.size = received.size, .type = received.type};
}

Result<sysv::Message> sysv_receive_message(int queue, const Selection& selection, const Wait& wait) noexcept {
  const Result<void> valid = checked(queue, selection);
  if (!valid) return valid.failure();
  const Selection whole{.type = selection.type, .except = selection.except};
  return message_by([&](std::span<std::byte> room, os::SysvReceived& received) {
    return attempt_and_wait(wait, [&](bool may_wait) {
      return os::receive_sysv_in_place(queue, room, receiving(whole, may_wait), received);
    });
  });
}

Result<sysv::Message> sysv_peek(int queue, std::size_t index) noexcept {
  if (queue < 0) return Errc::closed;
  return message_by([&](std::span<std::byte> room, os::SysvReceived& received) {
    return os::peek_sysv(queue, room, index, received);
  });
}

// ---- Finding and making

Result<int> sysv_find(Key key) noexcept {
  if (key == sysv::kPrivate) return Failure{Errc::not_found, ENOENT};
  return os::open_sysv_queue({.key = kernel_key(key), .mode = 0});
}

Result<int> sysv_make(Key key, const CreateOptions& options) noexcept {
  const Result<int> made =
      os::open_sysv_queue({.key = kernel_key(key), .create = true, .exclusive = true, .mode = options.mode});
  if (!made || options.most_bytes == 0) return made;
  const Result<void> given = give_room(*made, options.most_bytes);
  if (given) return made;
  (void)os::remove_sysv_queue(*made);  // whose creator may; unless somebody else already has
  return given.failure();
}

Result<int> sysv_find_or_make(Key key, const CreateOptions& options) noexcept {
  for (;;) {
    const Result<int> found = sysv_find(key);
    if (!found.is(Errc::not_found)) return found;
    const Result<int> made = sysv_make(key, options);
    if (!made.is(Errc::already_exists)) return made;
  }
}

// ---- Looking and changing

Result<Status> sysv_status(int queue) noexcept {
  if (queue < 0) return Errc::closed;
  const Result<os::SysvFacts> facts = os::sysv_facts(queue);
  if (!facts) return facts.failure();
  return status_of(*facts);
}

Result<void> sysv_change(int queue, const Changes& changes, SysvAsked& asked) noexcept {
  if (queue < 0) return Errc::closed;
  const Result<os::SysvFacts> facts = os::sysv_facts(queue);
  if (!facts) return facts.failure();
  if (is_owner(*facts)) asked.most_bytes = changes.most_bytes.value_or(0);
  return os::change_sysv_queue(queue, {.uid = changes.uid.value_or(facts->uid),
                                       .gid = changes.gid.value_or(facts->gid),
                                       .mode = changes.mode.value_or(facts->mode),
                                       .most_bytes = changes.most_bytes.value_or(facts->most_bytes)});
}

Result<void> sysv_remove(int queue) noexcept {
  if (queue < 0) return Errc::closed;
  return os::remove_sysv_queue(queue);
}

Result<std::vector<Status>> sysv_list() noexcept {
  const Result<std::vector<os::SysvFacts>> found = os::list_sysv_queues();
  if (!found) return found.failure();
  return or_no_memory([&]() -> Result<std::vector<Status>> {
    std::vector<Status> queues;
    for (const os::SysvFacts& facts : *found) queues.push_back(status_of(facts));
    std::ranges::sort(queues, {}, &Status::id);
    return queues;
  });
}

}  // namespace mqxx::api
