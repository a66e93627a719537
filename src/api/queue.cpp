#include <limits>
#include <string>
#include <utility>

#include <mqxx/queue.hpp>
#include <mqxx/typed_queue.hpp>

#include "api/failure.hpp"
#include "backend/backend.hpp"
#include "base/address.hpp"
#include "base/error.hpp"

namespace mqxx {
namespace {

using api::Facts;
using backend::Backend;
using backend::Creation;

// Full, empty, late and stopped are answers, not failures.
bool is_answer(Failure failure) noexcept {
  return failure.code == Errc::would_block || failure.code == Errc::timed_out || failure.code == Errc::stopped;
}

std::string_view operation_of(Creation creation) noexcept { return creation == Creation::open ? "open" : "create"; }

Result<std::shared_ptr<Backend>> open_home(std::string_view name, Creation creation, const OpenOptions& options) {
  const Result<Address> address = or_no_memory([&] { return parse_address(name); });
  if (!address) return address.failure();
  return backend::open(*address, creation, options);
}

/// As the queue will call itself; a name that is none stays as it is.
std::string full_name(std::string_view name) {
  const Result<Address> address = parse_address(name);
  return address ? text_of(*address) : std::string(name);
}

Queue open_or_throw(std::string_view name, Creation creation, const OpenOptions& options) {
  Result<std::shared_ptr<Backend>> home = open_home(name, creation, options);
  const Facts facts{.capacity = options.capacity, .message_size = options.message_size};
  return Queue(api::value_or_throw(std::move(home), operation_of(creation), full_name(name), facts));
}

Queue open_or_code(std::string_view name, Creation creation, const OpenOptions& options, std::error_code& ec) {
  ec.clear();
  Result<std::shared_ptr<Backend>> home = open_home(name, creation, options);
  if (home) return Queue(std::move(*home));
  ec = code_of(home.failure());
  return {};
}

Creation creation_of(const OpenOptions& options) noexcept {
  return options.exclusive ? Creation::create : Creation::open_or_create;
}

Facts send_facts(const std::shared_ptr<Backend>& home, std::size_t size, Priority priority) noexcept {
  return {.size = size, .limit = home == nullptr ? 0 : home->message_size(), .priority = priority};
}

/// The one that a batch was refused for.
Facts batch_facts(const std::shared_ptr<Backend>& home, std::span<const Outgoing> messages) noexcept {
  for (const Outgoing& message : messages) {
    const Facts facts = send_facts(home, message.payload.size(), message.priority);
    if (facts.priority > kMaxPriority || facts.size > facts.limit) return facts;
  }
  return {};
}

std::size_t smallest_buffer(std::span<const Incoming> room) noexcept {
  std::size_t smallest = room.empty() ? 0 : room[0].buffer.size();
  for (const Incoming& place : room) smallest = std::min(smallest, place.buffer.size());
  return smallest;
}

const std::string kNoName;
constexpr std::size_t kAnyBytes = std::numeric_limits<std::size_t>::max();

template <class Call>
auto on_home(const std::shared_ptr<Backend>& home, Call call) -> decltype(call(*home)) {
  if (home == nullptr) [[unlikely]]
    return Errc::closed;
  return call(*home);
}

Result<void> send_to(const std::shared_ptr<Backend>& home, Payload payload, Priority priority,
                     const Wait& wait) noexcept {
  return on_home(home, [&](Backend& to) { return to.send(payload.bytes(), priority, wait); });
}

Result<void> receive_from(const std::shared_ptr<Backend>& home, std::span<std::byte> buffer, const Wait& wait,
                          Received& received) noexcept {
  return on_home(home, [&](Backend& from) { return from.receive(buffer, wait, received); });
}

Result<Message> message_from(const std::shared_ptr<Backend>& home, const Wait& wait) noexcept {
  return on_home(home, [&](Backend& from) { return from.receive_message(wait); });
}

/// nullopt for the answers; `ec` for the rest.
template <class T>
std::optional<T> optional_or_code(Result<T> result, std::error_code& ec) noexcept {
  ec.clear();
  if (result) return std::move(*result);
  if (!is_answer(result.failure())) ec = code_of(result.failure());
  return std::nullopt;
}

}  // namespace

// ---- Opening

Queue Queue::open(std::string_view name, const OpenOptions& options) {
  return open_or_throw(name, Creation::open, options);
}
Queue Queue::open(std::string_view name, const OpenOptions& options, std::error_code& ec) {
  return open_or_code(name, Creation::open, options, ec);
}
Queue Queue::create(std::string_view name, const OpenOptions& options) {
  return open_or_throw(name, creation_of(options), options);
}
Queue Queue::create(std::string_view name, const OpenOptions& options, std::error_code& ec) {
  return open_or_code(name, creation_of(options), options, ec);
}
Queue Queue::open_or_create(std::string_view name, const OpenOptions& options) {
  return open_or_throw(name, Creation::open_or_create, options);
}
Queue Queue::open_or_create(std::string_view name, const OpenOptions& options, std::error_code& ec) {
  return open_or_code(name, Creation::open_or_create, options, ec);
}

void Queue::unlink(std::string_view name) {
  const Result<Address> address = parse_address(name);
  if (!address) api::throw_failure(address.failure(), "unlink", name, {});
  api::success_or_throw(backend::unlink(*address), "unlink", text_of(*address));
}

void Queue::unlink(std::string_view name, std::error_code& ec) noexcept {
  ec.clear();
  const Result<Address> address = or_no_memory([&] { return parse_address(name); });
  const Result<void> done = address ? backend::unlink(*address) : Result<void>(address.failure());
  if (!done) ec = code_of(done.failure());
}

void Queue::unlink() {
  api::success_or_throw(on_home(home_, [](Backend& home) { return home.unlink(); }), "unlink", name());
}

Queue Queue::duplicate() const {
  if (home_ == nullptr) api::throw_failure({Errc::closed}, "duplicate", name(), {});
  return Queue(home_);
}

// ---- Sending

void Queue::send(Payload payload, Priority priority) {
  const Result<void> sent = send_to(home_, payload, priority, Wait::forever());
  if (!sent) [[unlikely]]
    api::throw_failure(sent.failure(), "send", name(), send_facts(home_, payload.size(), priority));
}

void Queue::send(Payload payload, Priority priority, std::error_code& ec) noexcept {
  const Result<void> sent = send_to(home_, payload, priority, Wait::forever());
  ec = sent ? std::error_code() : code_of(sent.failure());
}

bool Queue::send_or_throw(Payload payload, Priority priority, const Wait& wait) {
  const Result<void> sent = send_to(home_, payload, priority, wait);
  if (sent) return true;
  if (is_answer(sent.failure())) return false;
  api::throw_failure(sent.failure(), "send", name(), send_facts(home_, payload.size(), priority));
}

bool Queue::send_or_code(Payload payload, Priority priority, const Wait& wait, std::error_code& ec) noexcept {
  const Result<void> sent = send_to(home_, payload, priority, wait);
  ec = sent || is_answer(sent.failure()) ? std::error_code() : code_of(sent.failure());
  return static_cast<bool>(sent);
}

bool Queue::send(Payload payload, const std::stop_token& stop, Priority priority) {
  return send_or_throw(payload, priority, Wait::forever(stop));
}
bool Queue::send(Payload payload, const std::stop_token& stop, Priority priority, std::error_code& ec) noexcept {
  return send_or_code(payload, priority, Wait::forever(stop), ec);
}
bool Queue::try_send(Payload payload, Priority priority) { return send_or_throw(payload, priority, Wait::none()); }
bool Queue::try_send(Payload payload, Priority priority, std::error_code& ec) noexcept {
  return send_or_code(payload, priority, Wait::none(), ec);
}

// ---- Receiving

Received Queue::receive(std::span<std::byte> buffer) {
  Received received;
  const Result<void> got = receive_from(home_, buffer, Wait::forever(), received);
  if (!got) [[unlikely]]
    api::throw_failure(got.failure(), "receive", name(), send_facts(home_, buffer.size(), 0));
  return received;
}

Received Queue::receive(std::span<std::byte> buffer, std::error_code& ec) noexcept {
  Received received;
  const Result<void> got = receive_from(home_, buffer, Wait::forever(), received);
  ec = got ? std::error_code() : code_of(got.failure());
  return received;
}

std::optional<Received> Queue::receive_or_throw(std::span<std::byte> buffer, const Wait& wait) {
  Received received;
  const Result<void> got = receive_from(home_, buffer, wait, received);
  if (got) return received;
  if (is_answer(got.failure())) return std::nullopt;
  api::throw_failure(got.failure(), "receive", name(), send_facts(home_, buffer.size(), 0));
}

std::optional<Received> Queue::receive_or_code(std::span<std::byte> buffer, const Wait& wait,
                                               std::error_code& ec) noexcept {
  Received received;
  const Result<void> got = receive_from(home_, buffer, wait, received);
  ec = got || is_answer(got.failure()) ? std::error_code() : code_of(got.failure());
  if (!got) return std::nullopt;
  return received;
}

std::optional<Received> Queue::receive(std::span<std::byte> buffer, const std::stop_token& stop) {
  return receive_or_throw(buffer, Wait::forever(stop));
}
std::optional<Received> Queue::receive(std::span<std::byte> buffer, const std::stop_token& stop,
                                       std::error_code& ec) noexcept {
  return receive_or_code(buffer, Wait::forever(stop), ec);
}
std::optional<Received> Queue::try_receive(std::span<std::byte> buffer) {
  return receive_or_throw(buffer, Wait::none());
}
std::optional<Received> Queue::try_receive(std::span<std::byte> buffer, std::error_code& ec) noexcept {
  return receive_or_code(buffer, Wait::none(), ec);
}

Message Queue::receive() { return api::value_or_throw(message_from(home_, Wait::forever()), "receive", name()); }

Message Queue::receive(std::error_code& ec) {
  Result<Message> received = message_from(home_, Wait::forever());
  ec = received ? std::error_code() : code_of(received.failure());
  return received ? std::move(*received) : Message();
}

std::optional<Message> Queue::receive_message_or_throw(const Wait& wait) {
  Result<Message> received = message_from(home_, wait);
  if (received) return std::move(*received);
  if (is_answer(received.failure())) return std::nullopt;
  api::throw_failure(received.failure(), "receive", name(), {});
}

std::optional<Message> Queue::receive_message(const Wait& wait, std::error_code& ec) {
  return optional_or_code(message_from(home_, wait), ec);
}

std::optional<Message> Queue::receive(const std::stop_token& stop) {
  return receive_message_or_throw(Wait::forever(stop));
}
std::optional<Message> Queue::receive(const std::stop_token& stop, std::error_code& ec) {
  return receive_message(Wait::forever(stop), ec);
}
std::optional<Message> Queue::try_receive() { return receive_message_or_throw(Wait::none()); }
std::optional<Message> Queue::try_receive(std::error_code& ec) { return receive_message(Wait::none(), ec); }

MessageRange Queue::messages() { return {*this, Wait::Until::forever, {}}; }
MessageRange Queue::messages(std::stop_token stop) { return {*this, Wait::Until::forever, std::move(stop)}; }
MessageRange Queue::drain() { return {*this, Wait::Until::now, {}}; }

// ---- Batches and loans

std::size_t Queue::send_batch(std::span<const Outgoing> messages, const Wait& wait) {
  const Result<std::size_t> sent = on_home(home_, [&](Backend& to) { return to.send_batch(messages, wait); });
  if (sent) return *sent;
  if (is_answer(sent.failure())) return 0;
  api::throw_failure(sent.failure(), "send", name(), batch_facts(home_, messages));
}

std::size_t Queue::send_batch(std::span<const Outgoing> messages, const Wait& wait, std::error_code& ec) noexcept {
  return optional_or_code(on_home(home_, [&](Backend& to) { return to.send_batch(messages, wait); }), ec).value_or(0);
}

std::size_t Queue::receive_batch(std::span<Incoming> room, const Wait& wait) {
  const Result<std::size_t> got = on_home(home_, [&](Backend& from) { return from.receive_batch(room, wait); });
  if (got) return *got;
  if (is_answer(got.failure())) return 0;
  api::throw_failure(got.failure(), "receive", name(), send_facts(home_, smallest_buffer(room), 0));
}

std::size_t Queue::receive_batch(std::span<Incoming> room, const Wait& wait, std::error_code& ec) noexcept {
  return optional_or_code(on_home(home_, [&](Backend& from) { return from.receive_batch(room, wait); }), ec)
      .value_or(0);
}

SendLoan Queue::loan(std::size_t size, const Wait& wait) {
  const Result<backend::Loan> loan = on_home(home_, [&](Backend& to) { return to.loan(size, wait); });
  if (loan) return {home_, loan->bytes, loan->slot};
  if (is_answer(loan.failure())) return {};
  api::throw_failure(loan.failure(), "loan", name(), send_facts(home_, size, 0));
}

SendLoan Queue::loan(std::size_t size, const Wait& wait, std::error_code& ec) noexcept {
  const auto loan = optional_or_code(on_home(home_, [&](Backend& to) { return to.loan(size, wait); }), ec);
  return loan ? SendLoan(home_, loan->bytes, loan->slot) : SendLoan();
}

ReceiveLoan Queue::receive_loan(const Wait& wait) {
  const Result<backend::Loan> loan = on_home(home_, [&](Backend& from) { return from.receive_loan(wait); });
  if (loan) return {home_, loan->bytes, loan->priority, loan->slot};
  if (is_answer(loan.failure())) return {};
  api::throw_failure(loan.failure(), "receive", name(), {});
}

ReceiveLoan Queue::receive_loan(const Wait& wait, std::error_code& ec) noexcept {
  const auto loan = optional_or_code(on_home(home_, [&](Backend& from) { return from.receive_loan(wait); }), ec);
  return loan ? ReceiveLoan(home_, loan->bytes, loan->priority, loan->slot) : ReceiveLoan();
}

// ---- Looking

Attributes Queue::attributes() const {
  return api::value_or_throw(on_home(home_, [](Backend& home) { return home.attributes(); }), "attributes", name());
}
Attributes Queue::attributes(std::error_code& ec) const noexcept {
  return optional_or_code(on_home(home_, [](Backend& home) { return home.attributes(); }), ec).value_or(Attributes{});
}
Statistics Queue::statistics() const {
  return api::value_or_throw(on_home(home_, [](Backend& home) { return home.statistics(); }), "statistics", name());
}
Statistics Queue::statistics(std::error_code& ec) const noexcept {
  return optional_or_code(on_home(home_, [](Backend& home) { return home.statistics(); }), ec).value_or(Statistics{});
}
std::vector<Message> Queue::peek(std::size_t most) const {
  Cursor front;
  return peek(front, {.most = most, .bytes = kAnyBytes});
}
std::vector<Message> Queue::peek(std::size_t most, std::error_code& ec) const {
  Cursor front;
  return peek(front, {.most = most, .bytes = kAnyBytes}, ec);
}
std::vector<Message> Queue::peek(Cursor& cursor, const PeekOptions& options) const {
  auto messages = on_home(home_, [&](Backend& home) { return home.peek(cursor, options); });
  std::string words;
  if (messages.is(Errc::invalid_priority) && options.highest <= kMaxPriority) {
    words = "the lowest priority is " + std::to_string(options.lowest) + ", the highest only " +
            std::to_string(options.highest);
  }
  return api::value_or_throw(std::move(messages), "peek", name(), {.priority = options.highest, .words = words});
}
std::vector<Message> Queue::peek(Cursor& cursor, const PeekOptions& options, std::error_code& ec) const {
  auto messages = optional_or_code(on_home(home_, [&](Backend& home) { return home.peek(cursor, options); }), ec);
  return messages ? std::move(*messages) : std::vector<Message>();
}

void Queue::set_nonblocking(bool nonblocking) {
  api::success_or_throw(on_home(home_, [&](Backend& home) { return home.set_nonblocking(nonblocking); }),
                        "set_nonblocking", name());
}
void Queue::set_nonblocking(bool nonblocking, std::error_code& ec) noexcept {
  const Result<void> done = on_home(home_, [&](Backend& home) { return home.set_nonblocking(nonblocking); });
  ec = done ? std::error_code() : code_of(done.failure());
}
bool Queue::is_nonblocking() const noexcept { return home_ != nullptr && home_->is_nonblocking(); }
Access Queue::access() const noexcept { return home_ == nullptr ? Access::read_write : home_->access(); }
const std::string& Queue::name() const noexcept { return home_ == nullptr ? kNoName : home_->name(); }

namespace detail {

// A System V queue does not know the size that it was made for; receiving notices what has another.
void require_message_size(const Queue& queue, std::size_t size) {
  const std::size_t limit = queue.attributes().message_size;
  const bool bytes_counted = queue.name().starts_with(kSysvPrefix);
  if (bytes_counted ? limit < size : limit != size)
    api::throw_failure({Errc::type_mismatch}, "open", queue.name(), {.size = size, .limit = limit});
}

void require_received_size(const Queue& queue, std::size_t received, std::size_t size) {
  if (received != size)
    api::throw_failure({Errc::type_mismatch}, "receive", queue.name(), {.size = size, .limit = received});
}

}  // namespace detail
}  // namespace mqxx
