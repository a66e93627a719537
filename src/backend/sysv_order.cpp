#include "backend/sysv_order.hpp"

#include <algorithm>
#include <functional>
#include <span>
#include <tuple>
#include <utility>

#include "backend/sysv_place.hpp"
#include "os/sysv_queue.hpp"

namespace mqxx::backend {
namespace {

constexpr std::size_t kUsual = 1024;  // bytes of a message; more are made room for

/// The buffer grows until it has room: no message is larger than all that are queued.
Result<os::SysvReceived> look_at(int queue, std::size_t index, std::vector<std::byte>& buffer) {
  for (;;) {
    os::SysvReceived found;
    const Result<void> looked = os::peek_sysv(queue, buffer, index, found);
    if (looked) return found;
    if (!looked.is(Errc::buffer_too_small)) return looked.failure();
    const Result<os::SysvFacts> facts = facts_of_sysv(queue);
    if (!facts) return facts.failure();
    buffer.resize(std::max(buffer.size() * 2, static_cast<std::size_t>(facts->queued_bytes)));
  }
}

/// One step of a walk: of messages that come in the order of their age, those that are next behind the cursor. Keeps
/// no more of them than are wanted.
class Step {
 public:
  Step(const Cursor& from, const PeekOptions& options) : from_(from), options_(options) {}

  void consider(long type, std::size_t age, std::span<const std::byte> bytes) {
    const Priority priority = priority_of(type);
    if (priority < options_.lowest || priority > options_.highest || options_.most == 0 || !is_behind(type)) return;
    if (is_enough() && kept_.front() < Kept{.type = type, .age = age}) return;
    kept_.push_back({.type = type, .age = age, .message = Message(bytes, priority)});
    std::ranges::push_heap(kept_, std::less());
    bytes_ += bytes.size();
    while (has_too_many()) {
      std::ranges::pop_heap(kept_, std::less());
      bytes_ -= kept_.back().message.size();
      kept_.pop_back();
    }
  }

  /// What was found, in order. The cursor moves behind it.
  std::vector<Message> end(Cursor& cursor) {
    std::ranges::sort_heap(kept_, std::less());
    std::vector<Message> messages;
    messages.reserve(kept_.size());
    for (Kept& one : kept_) {
      const auto list = static_cast<std::uint64_t>(one.type);
      const bool same = cursor.begun && cursor.list == list;
      cursor = {.begun = true, .list = list, .message = same ? cursor.message + 1 : 1};
      messages.push_back(std::move(one.message));
    }
    return messages;
  }

 private:
  struct Kept {
    long type = 0;
    std::size_t age = 0;
    Message message{};
    bool operator<(const Kept& other) const { return std::tie(type, age) < std::tie(other.type, other.age); }
  };

  /// REQUIRES: called once for each message, in the order of their age.
  bool is_behind(long type) {
    if (!from_.begun || static_cast<std::uint64_t>(type) > from_.list) return true;
    return static_cast<std::uint64_t>(type) == from_.list && ++passed_ > from_.message;
  }
  [[nodiscard]] bool is_enough() const {
    return !kept_.empty() && (kept_.size() >= options_.most || bytes_ >= options_.bytes);
  }
  /// Whether the last of them was not wanted any more after the others.
  [[nodiscard]] bool has_too_many() const {
    if (kept_.size() > options_.most) return true;
    return kept_.size() > 1 && bytes_ - kept_.front().message.size() >= options_.bytes;
  }

  Cursor from_;
  PeekOptions options_;
  std::vector<Kept> kept_;  // a heap, the last in order at its front
  std::size_t bytes_ = 0;   // of them
  std::uint64_t passed_ = 0;
};

}  // namespace

Result<std::vector<SysvSeen>> see_in_order(int queue, std::size_t window) noexcept {
  return or_no_memory([&]() -> Result<std::vector<SysvSeen>> {
    std::vector<std::byte> buffer(kUsual);
    std::vector<SysvSeen> seen;
    while (seen.size() < window) {
      const Result<os::SysvReceived> found = look_at(queue, seen.size(), buffer);
      if (found.is(Errc::would_block)) break;  // no more
      if (!found) return found.failure();
      const std::span<const std::byte> bytes = std::span(buffer).first(found->size);
      seen.push_back({found->type, Message(bytes, priority_of(found->type))});
    }
    std::ranges::stable_sort(seen, {}, &SysvSeen::type);
    return seen;
  });
}

Result<std::vector<Message>> peek_in_order(int queue, Cursor& cursor, const PeekOptions& options) noexcept {
  return or_no_memory([&]() -> Result<std::vector<Message>> {
    std::vector<std::byte> buffer(kUsual);
    Step step(cursor, options);
    for (std::size_t age = 0;; ++age) {
      const Result<os::SysvReceived> found = look_at(queue, age, buffer);
      if (found.is(Errc::would_block)) break;  // no more
      if (!found) return found.failure();
      step.consider(found->type, age, std::span(buffer).first(found->size));
    }
    return step.end(cursor);
  });
}

}  // namespace mqxx::backend
