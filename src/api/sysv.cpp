#include <array>
#include <charconv>
#include <utility>

#include <mqxx/sysv.hpp>

#include "api/failure.hpp"
#include "api/sysv_calls.hpp"
#include "base/address.hpp"
#include "base/error.hpp"
#include "os/sysv_queue.hpp"

namespace mqxx::sysv {
namespace {

using api::SysvAsked;

// Full, empty, late and stopped are answers, not failures.
bool is_answer(Failure failure) noexcept {
  return failure.code == Errc::would_block || failure.code == Errc::timed_out || failure.code == Errc::stopped;
}

std::string text_of(Key key) {
  constexpr int kSixteen = 16;
  constexpr std::size_t kDigits = 8;
  std::array<char, kDigits> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), key.number(), kSixteen);
  const auto count = static_cast<std::size_t>(written.ptr - digits.data());
  return std::string(kSysvPrefix) + "0x" + std::string(kDigits - count, '0') + std::string(digits.data(), count);
}

/// @param invalid_argument what to say if that is the failure
[[noreturn]] void fail(Failure failure, std::string_view operation, const std::string& name, const SysvAsked& asked,
                       std::string_view invalid_argument = {}) {
  const std::optional<std::string> words = api::sysv_words(failure, asked);
  api::Facts facts;
  if (words) facts.words = *words;
  if (failure.code == Errc::invalid_argument) facts.words = invalid_argument;
  api::throw_failure(failure, operation, name, facts);
}

[[noreturn]] void fail_to_send(Failure failure, const Queue& queue, Type type, const SysvAsked& asked) {
  fail(failure, "send", queue.name(), asked, "type is " + std::to_string(type) + ", it must be 1 or more");
}

[[noreturn]] void fail_to_receive(Failure failure, const Queue& queue, const Selection& selection,
                                  std::size_t buffer = 0) {
  if (failure.code == Errc::buffer_too_small) {
    const std::string words =
        "buffer is " + std::to_string(buffer) + " bytes, the selected message is longer; it stays queued";
    api::throw_failure(failure, "receive", queue.name(), {.words = words});
  }
  fail(failure, "receive", queue.name(), {},
       "except needs a type of 1 or more to leave out, and the type is " + std::to_string(selection.type));
}

template <class T>
T value_or_code(Result<T> result, T otherwise, std::error_code& ec) noexcept {
  ec = result ? std::error_code() : code_of(result.failure());
  return result ? std::move(*result) : std::move(otherwise);
}

void success_or_code(const Result<void>& result, std::error_code& ec) noexcept {
  ec = result ? std::error_code() : code_of(result.failure());
}

/// nullopt for the answers; `ec` for the rest.
template <class T>
std::optional<T> optional_or_code(Result<T> result, std::error_code& ec) noexcept {
  ec = result || is_answer(result.failure()) ? std::error_code() : code_of(result.failure());
  if (!result) return std::nullopt;
  return std::move(*result);
}

Result<Queue> queue_of(Result<int> id, Key key) noexcept {
  if (!id) return id.failure();
  return Queue::from_id(*id, key);
}

Result<Queue> created(Key key, const CreateOptions& options) noexcept {
  return queue_of(options.exclusive ? api::sysv_make(key, options) : api::sysv_find_or_make(key, options), key);
}

Queue queue_or_throw(Result<Queue> queue, std::string_view operation, Key key, const SysvAsked& asked) {
  if (queue) return *queue;
  fail(queue.failure(), operation, text_of(key), asked, "the kernel cannot count so much room");
}

Result<Key> key_by(const std::string& path, int project) noexcept {
  const Result<std::int32_t> key = os::sysv_key_of(path.c_str(), project);
  if (!key) return key.failure();
  return Key(static_cast<std::uint32_t>(*key));
}

}  // namespace

Key key_of(const std::string& path, int project) {
  const Result<Key> key = key_by(path, project);
  if (key) return *key;
  const std::string words = std::generic_category().message(key.failure().detail);
  api::throw_failure(key.failure(), "make a key of", path, {.words = words});
}
Key key_of(const std::string& path, int project, std::error_code& ec) {
  return value_or_code(key_by(path, project), kPrivate, ec);
}

// ---- Finding and making

Queue Queue::open(Key key) { return queue_or_throw(queue_of(api::sysv_find(key), key), "open", key, {}); }
Queue Queue::open(Key key, std::error_code& ec) { return value_or_code(queue_of(api::sysv_find(key), key), {}, ec); }
Queue Queue::create(Key key, const CreateOptions& options) {
  return queue_or_throw(created(key, options), "create", key, {.most_bytes = options.most_bytes});
}
Queue Queue::create(Key key, const CreateOptions& options, std::error_code& ec) {
  return value_or_code(created(key, options), {}, ec);
}
Queue Queue::open_or_create(Key key, const CreateOptions& options) {
  return queue_or_throw(queue_of(api::sysv_find_or_make(key, options), key), "create", key,
                        {.most_bytes = options.most_bytes});
}
Queue Queue::open_or_create(Key key, const CreateOptions& options, std::error_code& ec) {
  return value_or_code(queue_of(api::sysv_find_or_make(key, options), key), {}, ec);
}

std::string Queue::name() const {
  if (!is_open()) return {};
  return key_ == kPrivate ? std::string(kSysvPrefix) + "id=" + std::to_string(id_) : text_of(key_);
}

// ---- Sending

void Queue::send(Payload text, Type type) { (void)send(text, type, Wait::forever()); }
void Queue::send(Payload text, Type type, std::error_code& ec) noexcept { (void)send(text, type, Wait::forever(), ec); }

bool Queue::send(Payload text, Type type, const Wait& wait) {
  SysvAsked asked;
  const Result<void> sent = api::sysv_send(id_, text, type, wait, asked);
  if (sent) return true;
  if (is_answer(sent.failure())) return false;
  fail_to_send(sent.failure(), *this, type, asked);
}

bool Queue::send(Payload text, Type type, const Wait& wait, std::error_code& ec) noexcept {
  SysvAsked asked;
  const Result<void> sent = api::sysv_send(id_, text, type, wait, asked);
  ec = sent || is_answer(sent.failure()) ? std::error_code() : code_of(sent.failure());
  return static_cast<bool>(sent);
}

// ---- Receiving

Received Queue::receive(std::span<std::byte> buffer, const Selection& selection) {
  return receive(buffer, selection, Wait::forever()).value();
}
Received Queue::receive(std::span<std::byte> buffer, const Selection& selection, std::error_code& ec) noexcept {
  return receive(buffer, selection, Wait::forever(), ec).value_or(Received{});
}
std::optional<Received> Queue::receive(std::span<std::byte> buffer, const Selection& selection, const Wait& wait) {
  const Result<Received> received = api::sysv_receive(id_, buffer, selection, wait);
  if (received) return *received;
  if (is_answer(received.failure())) return std::nullopt;
  fail_to_receive(received.failure(), *this, selection, buffer.size());
}
std::optional<Received> Queue::receive(std::span<std::byte> buffer, const Selection& selection, const Wait& wait,
                                       std::error_code& ec) noexcept {
  return optional_or_code(api::sysv_receive(id_, buffer, selection, wait), ec);
}

Message Queue::receive(const Selection& selection) { return std::move(receive(selection, Wait::forever()).value()); }
Message Queue::receive(const Selection& selection, std::error_code& ec) noexcept {
  return receive(selection, Wait::forever(), ec).value_or(Message());
}
std::optional<Message> Queue::receive(const Selection& selection, const Wait& wait) {
  Result<Message> received = api::sysv_receive_message(id_, selection, wait);
  if (received) return std::move(*received);
  if (is_answer(received.failure())) return std::nullopt;
  fail_to_receive(received.failure(), *this, selection);
}
std::optional<Message> Queue::receive(const Selection& selection, const Wait& wait, std::error_code& ec) noexcept {
  return optional_or_code(api::sysv_receive_message(id_, selection, wait), ec);
}

// ---- Looking and changing

std::optional<Message> Queue::peek(std::size_t index) const {
  Result<Message> found = api::sysv_peek(id_, index);
  if (found) return std::move(*found);
  if (is_answer(found.failure())) return std::nullopt;
  fail(found.failure(), "peek", name(), {});
}
std::optional<Message> Queue::peek(std::size_t index, std::error_code& ec) const noexcept {
  return optional_or_code(api::sysv_peek(id_, index), ec);
}

Status Queue::status() const {
  const Result<Status> status = api::sysv_status(id_);
  if (status) return *status;
  fail(status.failure(), "status", name(), {});
}
Status Queue::status(std::error_code& ec) const noexcept { return value_or_code(api::sysv_status(id_), {}, ec); }

void Queue::change(const Changes& changes) {
  SysvAsked asked;
  const Result<void> changed = api::sysv_change(id_, changes, asked);
  if (!changed) {
    fail(changed.failure(), "change", name(), asked,
         "there is no such user or group here, or the kernel cannot count so much room");
  }
}
void Queue::change(const Changes& changes, std::error_code& ec) noexcept {
  SysvAsked asked;
  success_or_code(api::sysv_change(id_, changes, asked), ec);
}

void Queue::remove() {
  const Result<void> removed = api::sysv_remove(id_);
  if (!removed) fail(removed.failure(), "remove", name(), {});
}
void Queue::remove(std::error_code& ec) noexcept { success_or_code(api::sysv_remove(id_), ec); }

// ---- All queues

std::vector<Status> list() {
  Result<std::vector<Status>> queues = api::sysv_list();
  if (queues) return std::move(*queues);
  fail(queues.failure(), "list", std::string(kSysvPrefix), {});
}

Limits limits() {
  const Result<os::SysvLimits> limits = os::sysv_limits();
  if (limits)
    return {.queues = limits->queues, .message_size = limits->message_size, .queue_bytes = limits->queue_bytes};
  fail(limits.failure(), "limits", std::string(kSysvPrefix), {});
}

Use use() {
  const Result<os::SysvUse> use = os::sysv_use();
  if (use) return {.queues = use->queues, .messages = use->messages, .bytes = use->bytes};
  fail(use.failure(), "use", std::string(kSysvPrefix), {});
}

}  // namespace mqxx::sysv
