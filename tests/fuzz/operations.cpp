#include "fuzz/operations.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <numeric>

#include <fcntl.h>

#include <mqxx/inspect.hpp>

#include "fuzz/image.hpp"
#include "posix/descriptors.hpp"
#include "shm/segment.hpp"

namespace mqxx::fuzz {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;  // of a message, whatever the queue says
constexpr std::size_t kMostLoans = 8;
constexpr int kMostWaits = 2;  // of a millisecond each
constexpr std::size_t kBatch = 6;

/// Runs a call that may fail, with a sentence, or for want of memory.
template <class Call>
void may_fail(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    require(*error.what() != '\0', "an error says something");
  } catch (const std::bad_alloc&) {
  }
}

const std::string& text() {
  static const std::string bytes(kMostBytes, 'x');
  return bytes;
}

std::span<std::byte> buffer() {
  static std::vector<std::byte> bytes(kBatch * 65536);
  return bytes;
}

/// The most bytes of a message as the queue was opened; what others write cannot change it.
std::size_t message_size(const Queue& queue) { return queue.attributes().message_size; }

void touch(std::span<const std::byte> bytes) {
  // Read to its end, so that the sanitizer sees where it ends.
  const auto sum = std::accumulate(bytes.begin(), bytes.end(), 0U,
                                   [](unsigned all, std::byte byte) { return all + static_cast<unsigned>(byte); });
  require(sum <= bytes.size() * 255, "bytes are bytes");
}

void require_possible(std::size_t size, Priority priority, std::size_t most) {
  require(size <= most, "a message is at most message size long");
  require(priority <= kMaxPriority, "a priority is at most the highest");
}

std::string_view payload(Bytes& input, std::size_t most) {
  const std::size_t size = input.byte() % 4 == 0 ? most : input.byte() % (most + 1);
  return std::string_view(text()).substr(0, std::min(size, kMostBytes));
}

Priority priority(Bytes& input) {
  constexpr Priority kSome[] = {0, 1, 3, 511, 512, 600, 1200, kMaxPriority};
  return kSome[input.below(8)];
}

}  // namespace

Operations::~Operations() {
  for (SendLoan& loan : written_) may_fail([&] { loan.send(1); });
  mq_close();
}

void Operations::open() {
  may_fail([&] { queue_ = Queue::open(kName); });
}

void Operations::send(Bytes& input) {
  may_fail([&] { (void)queue_.try_send(payload(input, message_size(queue_)), priority(input)); });
}

void Operations::receive() {
  may_fail([&] {
    const std::size_t most = message_size(queue_);
    const auto got = queue_.try_receive(buffer().first(std::min(most, buffer().size())));
    if (!got) return;
    require_possible(got->size, got->priority, most);
    touch(buffer().first(got->size));
  });
}

void Operations::receive_message() {
  may_fail([&] {
    const auto got = queue_.try_receive();
    if (!got) return;
    require_possible(got->size(), got->priority(), message_size(queue_));
    touch(got->bytes());
  });
}

void Operations::send_batch(Bytes& input) {
  may_fail([&] {
    std::array<Outgoing, kBatch> batch{};
    for (Outgoing& one : batch) one = {payload(input, message_size(queue_)), priority(input)};
    require(queue_.try_send_batch(batch) <= batch.size(), "no more is sent than there was");
  });
}

void Operations::receive_batch(Bytes& input) {
  may_fail([&] {
    const std::size_t most = message_size(queue_);
    if (most > buffer().size() / kBatch) return;
    std::array<Incoming, kBatch> room{};
    for (std::size_t i = 0; i < kBatch; ++i) room[i].buffer = buffer().subspan(i * most, most);
    const std::size_t wanted = 1 + input.below(kBatch);
    const std::size_t got = queue_.try_receive_batch(std::span(room).first(wanted));
    require(got <= wanted, "no more is received than there was room for");
    for (const Incoming& one : std::span(room).first(got)) {
      require_possible(one.size, one.priority, most);
      touch(one.buffer.first(one.size));
    }
  });
}

void Operations::take_loan(Bytes& input) {
  may_fail([&] {
    SendLoan loan = queue_.try_loan(payload(input, message_size(queue_)).size());
    if (!loan) return;
    std::ranges::fill(loan.bytes(), std::byte{1});
    written_.push_back(std::move(loan));
  });
  if (written_.size() > kMostLoans) written_.clear();
}

void Operations::take_receive_loan() {
  may_fail([&] {
    ReceiveLoan loan = queue_.try_receive_loan();
    if (!loan) return;
    require_possible(loan.bytes().size(), loan.priority(), message_size(queue_));
    touch(loan.bytes());
    read_.push_back(std::move(loan));
  });
  if (read_.size() > kMostLoans) read_.clear();
}

void Operations::end_loan(Bytes& input) {
  const unsigned how = input.below(4);
  if (how < 2 && !written_.empty()) {
    SendLoan loan = std::move(written_.back());
    written_.pop_back();
    if (how == 0) may_fail([&] { loan.send(loan.bytes().size(), priority(input)); });
  } else if (how >= 2 && !read_.empty()) {
    ReceiveLoan loan = std::move(read_.back());
    read_.pop_back();
    if (how == 2) may_fail([&] { loan.put_back(); });
  }
}

void Operations::wait(Bytes& input) {
  constexpr auto kMoment = std::chrono::milliseconds(1);
  if (waits_++ >= kMostWaits) return;
  may_fail([&] {
    if (input.byte() % 2 == 0) {
      (void)queue_.send_for(payload(input, message_size(queue_)), kMoment);
    } else {
      (void)queue_.receive_for(kMoment);
    }
  });
}

void Operations::look() const {
  may_fail([&] {
    const Attributes attributes = queue_.attributes();
    require(attributes.depth <= attributes.capacity, "no queue is deeper than its capacity");
    (void)queue_.statistics();
    const auto seen = queue_.peek(static_cast<std::size_t>(-1));
    require(seen.size() <= attributes.capacity, "no more messages are there than the capacity");
    for (const Message& message : seen) {
      require_possible(message.size(), message.priority(), attributes.message_size);
    }
    walk(attributes);
  });
}

// Also from places that are none: every second hint misleads. Who changes the bytes meanwhile may make it endless.
void Operations::walk(const Attributes& attributes) const {
  Cursor cursor;
  for (std::size_t walked = 0; walked <= attributes.capacity;) {
    const auto step = queue_.peek(cursor, {.most = 2});
    if (step.empty()) return;
    for (const Message& message : step) {
      require_possible(message.size(), message.priority(), attributes.message_size);
    }
    walked += step.size();
    cursor.hint ^= static_cast<std::uint32_t>(walked / 2 % 2);
  }
}

void Operations::inspect(Bytes& input) const {
  may_fail([&] {
    switch (input.below(3)) {
      case 0: (void)check(kName); return;
      case 1: (void)describe(kName); return;
      default: (void)list(); return;
    }
  });
}

void Operations::remove() {
  may_fail([&] { queue_.unlink(); });
  if (mq_ >= 0) (void)::mq_unlink(kName);
}

void Operations::poll(Bytes& input) {
  if (polled_ == nullptr) {
    Result<shm::Segment> segment = shm::attach(kName);
    if (!segment) return;
    Result<std::unique_ptr<shm::Queue>> joined = shm::Queue::join(std::move(*segment));
    if (joined) polled_ = std::move(*joined);
    if (!joined) return;
  }
  const auto edges = input.byte() % 2 == 0 ? shm::Edges::no : shm::Edges::yes;
  switch (input.below(6)) {
    case 0: (void)polled_->begin_poll(edges); return;
    case 1: polled_->end_poll(edges); return;
    case 2: polled_->look(); return;
    case 3: polled_->rouse(edges == shm::Edges::no ? shm::Side::senders : shm::Side::receivers); return;
    case 4: (void)polled_->readiness(); return;
    default: polled_.reset(); return;
  }
}

// ---- The drop-in

// What mq_close comes to where the drop-in stands in front of close(2).
void Operations::mq_close() {
  if (mq_ >= 0) require(posix::close_entry(mq_) == 0, "what was opened can be closed");
  mq_ = -1;
}

void Operations::mq_open() {
  mq_close();
  mq_ = ::mq_open(kName, O_RDWR | O_NONBLOCK);
  require(mq_ >= 0 || errno != 0, "a failure says why");
}

void Operations::mq_send(Bytes& input) const {
  mq_attr attributes{};
  if (::mq_getattr(mq_, &attributes) != 0) return;
  const std::string_view bytes = payload(input, static_cast<std::size_t>(attributes.mq_msgsize));
  const timespec past{};
  (void)::mq_timedsend(mq_, bytes.data(), bytes.size(), priority(input), &past);
}

void Operations::mq_receive() const {
  mq_attr attributes{};
  if (::mq_getattr(mq_, &attributes) != 0) return;
  const auto most = static_cast<std::size_t>(attributes.mq_msgsize);
  if (most > buffer().size()) return;
  unsigned priority = 0;
  const ssize_t got = ::mq_receive(mq_, reinterpret_cast<char*>(buffer().data()), most, &priority);
  if (got < 0) return;
  require_possible(static_cast<std::size_t>(got), priority, most);
  touch(buffer().first(static_cast<std::size_t>(got)));
}

void Operations::mq_notify(Bytes& input) const {
  sigevent event{};
  event.sigev_notify = SIGEV_NONE;
  const unsigned how = input.below(3);
  if (how == 1) {
    static_cast<void>(std::signal(SIGURG, SIG_IGN));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGURG;
  }
  (void)::mq_notify(mq_, how == 2 ? nullptr : &event);
}

void Operations::mq_look(Bytes& input) const {
  mq_attr attributes{};
  attributes.mq_flags = O_NONBLOCK;
  if (input.byte() % 2 == 0) (void)::mq_setattr(mq_, &attributes, nullptr);
  if (::mq_getattr(mq_, &attributes) != 0) return;
  require(attributes.mq_curmsgs >= 0 && attributes.mq_curmsgs <= attributes.mq_maxmsg, "mq_curmsgs <= mq_maxmsg");
}

// ---- Choosing

constexpr unsigned kCalls = 20;

void Operations::call(unsigned which, Bytes& input) {
  switch (which) {
    case 0: return open();
    case 1: return send(input);
    case 2: return receive();
    case 3: return receive_message();
    case 4: return send_batch(input);
    case 5: return receive_batch(input);
    case 6: return take_loan(input);
    case 7: return take_receive_loan();
    case 8: return end_loan(input);
    case 9: return wait(input);
    case 10: return look();
    case 11: return inspect(input);
    case 12: return input.byte() == 'u' ? remove() : look();  // seldom: the image has to be made anew
    case 13: return poll(input);
    case 14: return mq_open();
    case 15: return mq_send(input);
    case 16: return mq_receive();
    case 17: return mq_notify(input);
    case 18: return mq_look(input);
    default: queue_.close(); return;
  }
}

void Operations::next(Bytes& input) { call(input.below(kCalls), input); }

void Operations::all() {
  Bytes nothing(nullptr, 0);
  waits_ = kMostWaits;  // no time for that in each input
  for (unsigned which = 0; which < kCalls; ++which) call(which, nothing);
  waits_ = 0;
  may_fail([] { (void)check(kName); });
  may_fail([] { (void)describe(kName); });
}

}  // namespace mqxx::fuzz
