// The face of <mqueue.h>: the ten calls of libmqxx-posix.so, pollers and registrations.
#include <cerrno>
#include <csignal>
#include <ctime>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "storm/face.hpp"
#include "storm/places.hpp"

namespace mqxx::test {
namespace {

constexpr int kLookUp = 20;  // milliseconds; who waits to be told looks up, to see whether the storm is over

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

timespec in(std::chrono::microseconds time) {
  constexpr long kSecond = 1'000'000'000;
  timespec when{};
  ::clock_gettime(CLOCK_REALTIME, &when);
  when.tv_nsec += static_cast<long>(time.count()) * 1000;
  when.tv_sec += when.tv_nsec / kSecond;
  when.tv_nsec %= kSecond;
  return when;
}

/// A descriptor of a queue, with the one flag that a call may want changed before.
class Descriptor {
 public:
  Descriptor(const char* name, int access) : number_(::mq_open(name, access)) {
    if (number_ < 0) fail("mq_open");
  }
  Descriptor(Descriptor&& other) noexcept
      : number_(std::exchange(other.number_, -1)), nonblocking_(other.nonblocking_) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::mq_close(number_);
  }

  [[nodiscard]] mqd_t number() const { return number_; }

  void set_nonblocking(bool nonblocking) {
    if (nonblocking == nonblocking_) return;
    mq_attr attributes{};
    attributes.mq_flags = nonblocking ? O_NONBLOCK : 0;
    if (::mq_setattr(number_, &attributes, nullptr) != 0) fail("mq_setattr");
    nonblocking_ = nonblocking;
  }

  bool send(const Outgoing& message, Patience patience, Random& random) {
    set_nonblocking(patience == Patience::none);
    const auto* bytes = reinterpret_cast<const char*>(message.payload.bytes().data());
    const timespec until = in(brief_time(random));
    const int result = patience == Patience::brief
                           ? ::mq_timedsend(number_, bytes, message.payload.size(), message.priority, &until)
                           : ::mq_send(number_, bytes, message.payload.size(), message.priority);
    if (result == 0) return true;
    if (errno != EAGAIN && errno != ETIMEDOUT) fail("mq_send");
    return false;
  }

  std::size_t receive(Incoming& room, Patience patience, Random& random) {
    set_nonblocking(patience == Patience::none);
    auto* bytes = reinterpret_cast<char*>(room.buffer.data());
    const timespec until = in(brief_time(random));
    const ssize_t size = patience == Patience::brief
                             ? ::mq_timedreceive(number_, bytes, room.buffer.size(), &room.priority, &until)
                             : ::mq_receive(number_, bytes, room.buffer.size(), &room.priority);
    if (size < 0 && errno != EAGAIN && errno != ETIMEDOUT) fail("mq_receive");
    if (size < 0) return 0;
    room.size = static_cast<std::size_t>(size);
    return 1;
  }

 private:
  mqd_t number_;
  bool nonblocking_ = false;
};

class PosixSending : public Sending {
 public:
  explicit PosixSending(Random& random) : random_(random) {
    for (const Place& place : kPlaces) queues_.emplace_back(place.name, O_WRONLY);
  }

  [[nodiscard]] std::size_t most() const override { return 1; }

  std::size_t send(std::size_t place, std::span<const Outgoing> messages, Patience patience) override {
    return queues_.at(place).send(messages[0], patience, random_) ? 1 : 0;
  }

 private:
  Random& random_;
  std::vector<Descriptor> queues_;
};

class Calling : public Receiving {
 public:
  Calling(const char* name, Random& random) : random_(random), queue_(name, O_RDONLY) {}

  std::size_t receive(std::span<Incoming> room, Patience patience) override {
    return queue_.receive(room[0], patience, random_);
  }

 private:
  Random& random_;
  Descriptor queue_;
};

/// Waits in poll(2).
class Polling : public Receiving {
 public:
  Polling(const char* name, Random& random) : random_(random), queue_(name, O_RDWR) {}

  std::size_t receive(std::span<Incoming> room, Patience /*patience*/) override {
    pollfd readable{.fd = queue_.number(), .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, kLookUp) < 0 && errno != EINTR) fail("poll");
    return queue_.receive(room[0], Patience::none, random_);
  }

 private:
  Random& random_;
  Descriptor queue_;
};

/// Waits in epoll_wait(2). An edge is told once: then the queue is emptied before the next wait.
class Epolling : public Receiving {
 public:
  Epolling(const char* name, Random& random)
      : random_(random), queue_(name, O_RDONLY), edges_(random.one_in(2)), poller_(::epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event event{};
    event.events = edges_ ? EPOLLIN | EPOLLET : EPOLLIN;
    if (poller_ < 0 || ::epoll_ctl(poller_, EPOLL_CTL_ADD, queue_.number(), &event) != 0) fail("epoll");
  }
  ~Epolling() override { ::close(poller_); }

  std::size_t receive(std::span<Incoming> room, Patience /*patience*/) override {
    epoll_event event{};
    if (!more_ && ::epoll_wait(poller_, &event, 1, kLookUp) < 0 && errno != EINTR) fail("epoll_wait");
    const std::size_t received = queue_.receive(room[0], Patience::none, random_);
    more_ = edges_ && received > 0;
    return received;
  }

 private:
  Random& random_;
  Descriptor queue_;
  bool edges_;
  int poller_;
  bool more_ = false;
};

/// Registers, empties the queue, and waits to be told, by a signal or in a thread. Where another process is registered
/// already it looks from time to time.
class Registering : public Receiving {
 public:
  Registering(const char* name, Random& random) : random_(random), queue_(name, O_RDONLY), thread_(random.one_in(2)) {
    ::sem_init(&told_, 0, 0);
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }

  std::size_t receive(std::span<Incoming> room, Patience /*patience*/) override {
    if (!registered_) enlist();
    const std::size_t received = queue_.receive(room[0], Patience::none, random_);
    if (received > 0) return received;
    if (was_told()) registered_ = false;
    if (registered_ && random_.one_in(16)) {
      if (::mq_notify(queue_.number(), nullptr) != 0) fail("mq_notify");
      registered_ = false;
    }
    return 0;
  }

 private:
  static void tell(sigval /*value*/) { ::sem_post(&told_); }

  void enlist() {
    sigevent event{};
    event.sigev_notify = thread_ ? SIGEV_THREAD : SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    if (thread_) event.sigev_notify_function = tell;
    registered_ = ::mq_notify(queue_.number(), &event) == 0;
    if (!registered_ && errno != EBUSY) fail("mq_notify");
  }

  bool was_told() {
    const timespec until = in(std::chrono::milliseconds(kLookUp));
    if (thread_) return ::sem_timedwait(&told_, &until) == 0;
    const timespec length{0, kLookUp * 1'000'000};
    siginfo_t info{};
    if (::sigtimedwait(&signals_, &info, &length) < 0) return false;
    if (info.si_code != SI_MESGQ) throw std::runtime_error("a signal that no queue has raised");
    return true;
  }

  static sem_t told_;  // of the process: a thread that comes late finds it

  Random& random_;
  Descriptor queue_;
  bool thread_;
  bool registered_ = false;
  sigset_t signals_{};
};

sem_t Registering::told_;

}  // namespace

std::unique_ptr<Sending> posix_sending(Random& random) { return std::make_unique<PosixSending>(random); }

std::unique_ptr<Receiving> posix_receiving(std::size_t place, Random& random) {
  const char* name = kPlaces.at(place).name;
  switch (random.below(6)) {
    case 0: return std::make_unique<Polling>(name, random);
    case 1: return std::make_unique<Epolling>(name, random);
    case 2: return std::make_unique<Registering>(name, random);
    default: return std::make_unique<Calling>(name, random);
  }
}

}  // namespace mqxx::test
