// The operations of the drop-in. Its victims are linked with libmqxx-posix.so, so these are its calls.
#include <cerrno>
#include <csignal>
#include <ctime>
#include <memory>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "operation.hpp"
#include "survivor.hpp"

namespace mqxx::crash {
namespace {

constexpr std::size_t kLarge = 10'000;
constexpr Priority kPriority = 2;
constexpr long kExpiryNs = 2'000'000;

struct Means {
  explicit Means(const Scene& scene, Tag tag = kVictims)
      : queue(scene.inherited_descriptor >= 0 ? scene.inherited_descriptor
                                              : ::mq_open(kName.c_str(), O_RDWR | O_NONBLOCK)),
        bytes(message(tag, scene.setting.message_size)),
        room(scene.setting.message_size),
        poller(::epoll_create1(EPOLL_CLOEXEC)) {
    mq_attr attributes{};
    // Mapped by the first call that needs it; for an inherited one that is the operation.
    const bool mapped = scene.inherited_descriptor >= 0 || ::mq_getattr(queue, &attributes) == 0;
    if (queue < 0 || !mapped) throw std::system_error(errno, std::generic_category(), "mq_open");
  }
  void wait_in_calls() const { ::fcntl(queue, F_SETFL, 0); }

  mqd_t queue;
  std::vector<std::byte> bytes;
  std::vector<std::byte> room;
  int poller;
};

template <class Act>
Prepare with_queue(Act act, Tag tag = kVictims) {
  return [=](const Scene& scene) -> std::function<void()> {
    const auto means = std::make_shared<Means>(scene, tag);
    return [=] { act(*means); };
  };
}

/// With a descriptor that waits.
template <class Act>
Prepare waiting(Act act) {
  return [=](const Scene& scene) -> std::function<void()> {
    const auto means = std::make_shared<Means>(scene);
    means->wait_in_calls();
    return [=] { act(*means); };
  };
}

timespec soon() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  time.tv_nsec += kExpiryNs;
  if (time.tv_nsec >= 1'000'000'000) ++time.tv_sec, time.tv_nsec -= 1'000'000'000;
  return time;
}

const char* chars(const std::vector<std::byte>& bytes) { return reinterpret_cast<const char*>(bytes.data()); }
char* chars(std::vector<std::byte>& bytes) { return reinterpret_cast<char*>(bytes.data()); }

void send(Means& means) {
  (void)::mq_send(means.queue, chars(std::as_const(means.bytes)), means.bytes.size(), kPriority);
}
void receive(Means& means) { (void)::mq_receive(means.queue, chars(means.room), means.room.size(), nullptr); }

void send_in_vain(Means& means) {
  const timespec until = soon();
  (void)::mq_timedsend(means.queue, chars(std::as_const(means.bytes)), means.bytes.size(), kPriority, &until);
}

void receive_in_vain(Means& means) {
  const timespec until = soon();
  (void)::mq_timedreceive(means.queue, chars(means.room), means.room.size(), nullptr, &until);
}

void look(Means& means) {
  mq_attr attributes{};
  (void)::mq_getattr(means.queue, &attributes);
}

std::function<void()> open(const Scene&) {
  return [] {
    mq_attr attributes{};
    (void)::mq_getattr(::mq_open(kName.c_str(), O_RDWR), &attributes);
  };
}

std::function<void()> create(const Scene& scene) {
  return [setting = scene.setting] {
    mq_attr attributes{};
    attributes.mq_maxmsg = static_cast<long>(setting.capacity);
    attributes.mq_msgsize = static_cast<long>(setting.message_size);
    (void)::mq_open(kName.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  };
}

void close(Means& means) { (void)::mq_close(means.queue); }

std::function<void()> unlink(const Scene&) {
  return [] { (void)::mq_unlink(kName.c_str()); };
}

std::function<void()> close_nameless(const Scene&) {
  const mqd_t queue = ::mq_open(kName.c_str(), O_RDWR | O_CREAT, 0600, nullptr);
  mq_attr attributes{};
  (void)::mq_getattr(queue, &attributes);
  (void)::mq_unlink(kName.c_str());
  return [=] { (void)::mq_close(queue); };
}

void register_and_cancel(Means& means) {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = kNotice;
  (void)::mq_notify(means.queue, &event);
  (void)::mq_notify(means.queue, nullptr);
}

void register_and_fire(Means& means) {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = kNotice;
  (void)::mq_notify(means.queue, &event);
  send(means);
}

void register_thread(Means& means) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = [](sigval) {};
  (void)::mq_notify(means.queue, &event);
  send(means);
}

void poll_in_vain(Means& means) {
  pollfd entry{means.queue, POLLIN, 0};
  (void)::poll(&entry, 1, 2);
}

void select_in_vain(Means& means) {
  fd_set readable;
  FD_ZERO(&readable);
  FD_SET(means.queue, &readable);
  timeval time{0, kExpiryNs / 1000};
  (void)::select(means.queue + 1, &readable, nullptr, nullptr, &time);
}

template <unsigned kEvents>
void poll_by_epoll(Means& means) {
  epoll_event event{};
  event.events = kEvents;
  (void)::epoll_ctl(means.poller, EPOLL_CTL_ADD, means.queue, &event);
  send(means);
  (void)::epoll_wait(means.poller, &event, 1, 0);
  receive(means);
}

const Effect kSends{.sends = {{{kVictims, kPriority}}}};
const Effect kTakes{.takes = 1};
const Effect kTakesAndReturns{.takes = 1, .late = 1};
constexpr Setting kLargeOnes{.capacity = 3, .message_size = kLarge, .queued = 1};

Setting asleep(Sleeper sleeper, std::size_t queued) {
  return {.capacity = 4, .queued = queued, .one_priority = true, .sleeper = sleeper};
}

std::vector<Operation> sending_and_receiving() {
  return {
      {"mq_send", Face::posix, {}, kSends, with_queue(send)},
      {"mq_send that fills the queue", Face::posix, {.queued = 7}, kSends, with_queue(send)},
      {"mq_send to a full queue", Face::posix, {.queued = 8}, kSends, with_queue(send)},
      {"mq_receive", Face::posix, {.queued = 3}, kTakes, with_queue(receive)},
      {"mq_receive that empties the queue", Face::posix, {.queued = 1}, kTakes, with_queue(receive)},
      {"mq_receive from an empty queue", Face::posix, {.queued = 0}, {}, with_queue(receive)},
      {"mq_timedsend that expires", Face::posix, {.queued = 8}, kSends, waiting(send_in_vain)},
      {"mq_timedreceive that expires", Face::posix, {.queued = 0}, {}, waiting(receive_in_vain)},
      {"mq_send of a large message", Face::posix, kLargeOnes, kSends, with_queue(send)},
      {"mq_receive of a large message", Face::posix, kLargeOnes, kTakesAndReturns, with_queue(receive)},
      {"mq_send that wakes mq_receive", Face::posix, asleep(Sleeper::receiver, 0), kSends, with_queue(send)},
      {"mq_receive that wakes mq_send", Face::posix, asleep(Sleeper::sender, 4), kTakes, with_queue(receive)},
      {"mq_send that wakes poll", Face::posix, asleep(Sleeper::poll, 0), kSends, with_queue(send)},
      {"mq_receive that wakes poll", Face::posix, asleep(Sleeper::poll_for_room, 4), kTakes, with_queue(receive)},
      {"mq_send that wakes select", Face::posix, asleep(Sleeper::select, 0), kSends, with_queue(send)},
      {"mq_send that wakes epoll_wait", Face::posix, asleep(Sleeper::epoll, 0), kSends, with_queue(send)},
  };
}

std::vector<Operation> coming_and_going() {
  return {
      {"mq_open, mq_getattr", Face::posix, {}, {}, open},
      {"mq_open that creates", Face::posix, {.queued = 0, .absent = true}, {.leaves_files = true}, create},
      {"mq_close", Face::posix, {}, {}, with_queue(close)},
      {"mq_unlink", Face::posix, {}, {.leaves_files = true}, unlink},
      {"mq_close of the last of a nameless queue",
       Face::posix,
       {.queued = 0, .absent = true},
       {.leaves_files = true},
       close_nameless},
      {"fork child that calls mq_send", Face::posix, {}, kSends, with_queue(send), true},
      {"fork child that calls mq_send, large", Face::posix, kLargeOnes, kSends, with_queue(send), true},
      {"mq_getattr", Face::posix, {}, {}, with_queue(look)},
  };
}

std::vector<Operation> telling() {
  return {
      {"mq_notify and cancel", Face::posix, {.queued = 0}, {}, with_queue(register_and_cancel)},
      {"mq_notify and fire", Face::posix, {.queued = 0}, kSends, with_queue(register_and_fire)},
      {"mq_notify with a thread, and fire",
       Face::posix,
       {.queued = 0},
       kSends,
       with_queue(register_thread),
       false,
       true},
      {"mq_send that fires another's",
       Face::posix,
       {.queued = 0, .watch = Watch::registered},
       kSends,
       with_queue(send)},
      {"poll that expires", Face::posix, {.queued = 0}, {}, with_queue(poll_in_vain)},
      {"poll that expires, of a polled queue",
       Face::posix,
       {.queued = 0, .watch = Watch::polled},
       {},
       with_queue(poll_in_vain)},
      {"select that expires", Face::posix, {.queued = 0}, {}, with_queue(select_in_vain)},
      {"epoll, mq_send, mq_receive",
       Face::posix,
       {.queued = 0},
       {.sends = {{{kVictims, kPriority}}}, .takes = 1},
       with_queue(poll_by_epoll<EPOLLIN>)},
      {"epoll for edges, mq_send, mq_receive",
       Face::posix,
       {.queued = 0},
       {.sends = {{{kVictims, kPriority}}}, .takes = 1},
       with_queue(poll_by_epoll<EPOLLIN | EPOLLET>)},
      {"mq_send to a polled queue", Face::posix, {.queued = 0, .watch = Watch::polled}, kSends, with_queue(send)},
      {"mq_receive from a full polled queue",
       Face::posix,
       {.queued = 8, .watch = Watch::polled},
       kTakes,
       with_queue(receive)},
  };
}

std::vector<Operation> repairing() {
  const std::vector<Sent> first{{kFirstVictims, kPriority}};
  const std::vector<Sent> second{{kVictims, kPriority}};
  std::vector<Operation> all{
      {"repair by mq_receive after mq_send",
       Face::posix,
       {.queued = 3},
       {.sends = {first}, .takes = 1},
       with_queue(receive)},
      {"repair by mq_open after mq_send", Face::posix, {.queued = 3}, {.sends = {first}}, open},
      {"repair by poll after mq_send", Face::posix, {.queued = 0}, {.sends = {first}}, with_queue(poll_in_vain)},
      {"repair by mq_notify after mq_send",
       Face::posix,
       {.queued = 0},
       {.sends = {first}},
       with_queue(register_and_cancel)},
  };
  for (Operation& operation : all) operation.first = with_queue(send, kFirstVictims);
  return all;
}

}  // namespace

std::vector<Operation> posix_operations() {
  std::vector<Operation> all = sending_and_receiving();
  for (auto* more : {coming_and_going, telling, repairing}) {
    for (Operation& operation : more()) all.push_back(std::move(operation));
  }
  return all;
}

}  // namespace mqxx::crash
