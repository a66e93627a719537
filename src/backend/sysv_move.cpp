#include "backend/sysv_move.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "backend/moving.hpp"
#include "backend/sysv_order.hpp"
#include "backend/sysv_place.hpp"
#include "backend/sysv_waiting.hpp"
#include "os/sysv_queue.hpp"

namespace mqxx::backend {
namespace {

constexpr std::size_t kWindow = 256;  // messages; to see one costs time for each that is older

/// Until there is something to see.
Result<void> await_message(int queue, const Wait& wait) noexcept {
  return look_until(wait, [&]() -> Result<bool> {
    const Result<os::SysvFacts> facts = facts_of_sysv(queue);
    if (!facts) return facts.failure();
    return facts->messages != 0;
  });
}

/// A message that has left the queue.
struct Taken {
  std::unique_ptr<std::byte[]> memory;
  std::size_t size = 0;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {memory.get(), size}; }
  [[nodiscard]] bool is(const Message& seen) const noexcept { return std::ranges::equal(bytes(), seen.bytes()); }
};

/// would_block: another receiver has taken all of the type.
Result<Taken> take_first_of(int queue, long type, std::size_t size) noexcept {
  for (std::size_t room = std::max<std::size_t>(size, 1);; room *= 2) {
    Taken taken{.memory = std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[room])};
    if (taken.memory == nullptr) return Errc::no_memory;
    os::SysvReceived received;
    const Result<void> done =
        os::receive_sysv(queue, {taken.memory.get(), room}, {.type = type, .wait = false}, received);
    taken.size = received.size;
    if (done) return taken;
    if (!done.is(Errc::buffer_too_small)) return done.failure();
  }
}

/// What another receiver has left us in place of what was sent. It goes the same way, or back behind its equals.
Moved pass_on_other(int queue, Backend& to, const Taken& taken, long type, const Wait& room) noexcept {
  const Outgoing other{.payload = taken.bytes(), .priority = priority_of(type)};
  Moved moved = send_in_order(to, std::span(&other, 1), room);
  if (moved.messages != 0) return moved;
  const Result<void> back = sleep_in(Wait::forever(), [&] { return os::send_sysv(queue, taken.bytes(), type, true); });
  return back ? moved : not_moved(Moved::Ended::at_source, back.failure());
}

/// REQUIRES: `seen` was sent. Takes it, or what is in its place.
Moved take_what_was_sent(int queue, Backend& to, const SysvSeen& seen, const Wait& room) noexcept {
  Moved moved{.messages = 1};
  const Result<Taken> taken = take_first_of(queue, seen.type, seen.message.size());
  if (!taken && !taken.is(Errc::would_block)) {
    moved.ended = Moved::Ended::at_source;
    moved.failure = taken.failure();
  } else if (taken && !taken->is(seen.message)) {
    const Moved other = pass_on_other(queue, to, *taken, seen.type, room);
    moved = {.messages = 1 + other.messages, .ended = other.ended, .failure = other.failure, .size = other.size};
  }
  return moved;
}

}  // namespace

Moved move_from_sysv(int queue, Backend& to, const Moving& how) noexcept {
  const Result<void> there = await_message(queue, how.more);
  if (!there) return not_moved(Moved::Ended::at_source, there.failure());
  const Result<std::vector<SysvSeen>> seen = see_in_order(queue, kWindow);
  if (!seen) return not_moved(Moved::Ended::at_source, seen.failure());
  const std::size_t count = std::min(how.most, seen->size());
  Moved moved;
  for (std::size_t i = 0; i < count; ++i) {
    const SysvSeen& next = (*seen)[i];
    const Outgoing message{.payload = next.message.bytes(), .priority = next.message.priority()};
    Moved step = send_in_order(to, std::span(&message, 1), how.room);
    if (step.ended == Moved::Ended::well) step = take_what_was_sent(queue, to, next, how.room);
    moved.messages += step.messages;
    if (step.ended == Moved::Ended::well) continue;
    moved.ended = step.ended;
    moved.failure = step.failure;
    moved.size = step.size;
    break;
  }
  return moved;
}

}  // namespace mqxx::backend
