#include "survivor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <mqxx/inspect.hpp>

namespace mqxx::crash {
namespace {

using namespace std::chrono_literals;

// Long enough for any machine; the time that it took is reported and not judged.
constexpr auto kPatience = 10s;
// The usual way to wake takes microseconds; after this the sleeper depends on itself.
constexpr auto kAtOnce = 5ms;

sigset_t notices() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, kNotice);
  return set;
}

[[noreturn]] void give_up(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

void block_notices() {
  const sigset_t set = notices();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

Survivor::Survivor(const Operation& operation, const Report& report, std::string directory)
    : operation_(operation), setting_(operation.setting), report_(report), directory_(std::move(directory)) {}

Survivor::~Survivor() { clean_up(); }

void Survivor::make_queue() {
  take_notice();
  told_ = false;
  if (setting_.absent) return;
  queue_ = Queue::create(kName, {.capacity = setting_.capacity, .message_size = setting_.message_size});
  fill_before();
  open_again();
  watch();
}

void Survivor::fill_before() {
  for (Tag tag = 0; tag < setting_.queued; ++tag) {
    queue_.send(std::span<const std::byte>(message(tag, setting_.message_size)),
                priority_of(tag, setting_.one_priority));
  }
}

void Survivor::open_again() {
  descriptor_ = ::mq_open(kName.c_str(), O_RDWR | O_NONBLOCK);
  mq_attr attributes{};
  if (descriptor_ < 0 || ::mq_getattr(descriptor_, &attributes) != 0) give_up("mq_open");
}

void Survivor::watch() {
  if (setting_.watch == Watch::polled || setting_.watch == Watch::edges) {
    poller_ = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | (setting_.watch == Watch::edges ? static_cast<std::uint32_t>(EPOLLET) : 0U);
    if (::epoll_ctl(poller_, EPOLL_CTL_ADD, descriptor_, &event) != 0) give_up("epoll_ctl");
  }
  if (setting_.watch == Watch::registered) {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = kNotice;
    if (::mq_notify(descriptor_, &event) != 0) give_up("mq_notify");
  }
}

Scene Survivor::scene() {
  return {setting_, operation_.inherits ? &queue_ : nullptr, operation_.inherits ? descriptor_ : -1};
}

bool Survivor::named() const { return std::filesystem::exists(directory_ + "/mqxx.q"); }

void Survivor::take_notice() {
  const sigset_t set = notices();
  const timespec at_once{};
  while (::sigtimedwait(&set, nullptr, &at_once) == kNotice) told_ = true;
}

// A sleeper whose time has come goes on by itself; one that sleeps on does so rightly, and goes on when it comes.
void Survivor::await(SleepingPeer& sleeper) {
  report_.doing("waiting for the sleeper");
  const auto died = std::chrono::steady_clock::now();
  std::optional<Tag> answer = sleeper.answer(kAtOnce);
  const bool due = !answer && could_go_on(std::filesystem::path(directory_).parent_path(), sleeper.wants_room());
  if (due) answer = sleeper.answer(kPatience);
  if (answer) {
    const std::int64_t ns = (std::chrono::steady_clock::now() - died) / 1ns;
    report_.figures().longest_ns = std::max<std::int64_t>(report_.figures().longest_ns, ns);
  } else if (due) {
    find("a sleeper sleeps on, though what it waits for is there");
  }
  if (!answer) {
    if (sleeper.wants_room()) {
      receive_one();
    } else if (queue_.try_send(std::span<const std::byte>(message(kWakers, setting_.message_size)), 1)) {
      ++wakers_sent_;
    } else {
      find("no room in a queue that is empty");
    }
    answer = sleeper.answer(kPatience);
    if (!answer) find("a sleeper was not woken by the next call");
  }
  if (!answer || sleeper.polls()) return;
  if (*answer == kTorn) find("the sleeper received a torn message");
  if (sleeper.wants_room()) {
    ++sleepers_sent_;
  } else if (*answer == kWakers) {
    ++wakers_found_;
  } else {
    found_.push_back(*answer);
  }
}

// @return whose message it was; nothing when there was none
std::optional<Tag> Survivor::receive_one() {
  const std::optional<Message> got = queue_.try_receive();
  if (!got) return std::nullopt;
  Tag tag = kTorn;
  if (!read_tag(got->bytes(), setting_.message_size, tag)) {
    find("a torn message of " + std::to_string(got->bytes().size()) + " bytes");
    return kTorn;
  }
  if (tag == kWakers) {
    ++wakers_found_;
  } else if (tag == kSleepers) {
    ++sleepers_found_;
  } else if (tag >= kFillers) {
    if (tag != kFillers + fillers_found_) find("filler " + std::to_string(tag) + " out of order");
    ++fillers_found_;
  } else {
    if (fillers_found_ != 0 && operation_.effect.late == 0) find("a message leaves behind one of lower priority");
    found_.push_back(tag);
  }
  return tag;
}

std::size_t Survivor::empty() {
  report_.doing("receiving all");
  std::size_t count = 0;
  for (; receive_one(); ++count) {
    if (count <= 2 * setting_.capacity) continue;
    find("receiving has no end");
    break;
  }
  return count;
}

void Survivor::receive_all() { (void)empty(); }

void Survivor::fill() {
  report_.doing("filling");
  while (queue_.try_send(std::span<const std::byte>(message(kFillers + filled_, setting_.message_size)))) {
    if (++filled_ > 3 * setting_.capacity) return find("sending has no end");
  }
}

void Survivor::check() {
  report_.doing("checking the invariants");
  if (!named()) return;
  for (const Finding& finding : mqxx::check(kName)) find(finding.invariant + ": " + finding.text);
}

// What poll says must be what a call then meets.
void Survivor::look_at_readiness() {
  report_.doing("polling");
  pollfd entry{descriptor_, POLLIN | POLLOUT, 0};
  const int count = ::poll(&entry, 1, 0);
  if (count < 0 || (entry.revents & ~(POLLIN | POLLOUT)) != 0) return find("poll fails");
  const bool readable = (entry.revents & POLLIN) != 0;
  const bool writable = (entry.revents & POLLOUT) != 0;
  if (poller_ >= 0 && setting_.watch == Watch::polled) {
    epoll_event event{};
    const int events = ::epoll_wait(poller_, &event, 1, 0);
    const bool agrees = ((event.events & EPOLLIN) != 0) == readable && ((event.events & EPOLLOUT) != 0) == writable;
    if (events != (readable || writable ? 1 : 0) || !agrees) find("epoll and poll differ");
  }
  const std::vector<std::byte> filler = message(kFillers + filled_, setting_.message_size);
  const bool sent = ::mq_send(descriptor_, reinterpret_cast<const char*>(filler.data()), filler.size(), 0) == 0;
  if (!sent && errno != EAGAIN) find(std::string("mq_send: ") + std::strerror(errno));
  if (sent) ++filled_;
  if (sent != writable) find(writable ? "writable, but there is no room" : "not writable, but there is room");
  const std::optional<Tag> first = receive_one();
  const bool just_sent = sent && first == kFillers + filled_ - 1;
  const bool received = first && !just_sent;
  if (received != readable)
    find(readable ? "readable, but there is no message" : "not readable, but there is a message");
}

void Survivor::register_for_notice() {
  report_.doing("registering");
  sigevent event{};
  event.sigev_notify = SIGEV_NONE;
  const bool registered = ::mq_notify(descriptor_, &event) == 0;
  if (!registered && errno != EBUSY) find(std::string("mq_notify: ") + std::strerror(errno));
  take_notice();  // by the call itself, which may have come to what a dead sender left
  const bool ours = setting_.watch == Watch::registered && !told_;
  if (registered == ours) find(registered ? "our registration is gone without a notice" : "a dead one is registered");
  (void)::mq_notify(descriptor_, nullptr);
  told_ = told_ || ours;  // cancelled
}

void Survivor::borrow() {
  report_.doing("borrowing");
  if (SendLoan loan = queue_.try_loan(8)) loan.drop();
  if (ReceiveLoan loan = queue_.try_receive_loan()) loan.put_back();
}

void Survivor::peek() {
  report_.doing("peeking");
  for (const Message& one : queue_.peek(2 * setting_.capacity)) {
    Tag tag = 0;
    if (!read_tag(one.bytes(), setting_.message_size, tag)) find("a torn message, peeked at");
  }
}

void Survivor::come_and_go() {
  report_.doing("opening");
  if (!named()) return;
  const Queue another = Queue::open(kName);
  if (another.attributes().capacity != setting_.capacity) find("another capacity");
  if (setting_.watch == Watch::registered) return;  // a close, of whichever descriptor, ends the registration
  const mqd_t second = ::mq_open(kName.c_str(), O_RDWR);
  mq_attr attributes{};
  if (second < 0 || ::mq_getattr(second, &attributes) != 0) return find("mq_open fails");
  if (attributes.mq_curmsgs < 0 || static_cast<std::size_t>(attributes.mq_curmsgs) > setting_.capacity) {
    find("mq_getattr says " + std::to_string(attributes.mq_curmsgs));
  }
  ::mq_close(second);
}

void Survivor::judge_messages() {
  const std::string wrong = judge(setting_, operation_.effect, found_);
  if (!wrong.empty()) find(wrong);
  if (fillers_found_ != filled_) find("of " + std::to_string(filled_) + " fillers " + std::to_string(fillers_found_));
  if (sleepers_found_ != sleepers_sent_) find("the sleeper's message is lost or doubled");
  if (wakers_found_ != wakers_sent_) find("what was sent to wake the sleeper is lost or doubled");
  // Came to the empty queue, for which nobody waited.
  const bool due = setting_.watch == Watch::registered && setting_.queued == 0 && filled_ + found_.size() != 0;
  take_notice();
  if (due && !told_) find("the notice is lost");
}

void Survivor::examine(std::size_t variant, SleepingPeer* sleeper) {
  if (setting_.absent) {
    queue_ = Queue::open_or_create(kName, {.capacity = setting_.capacity, .message_size = setting_.message_size});
    open_again();
  }
  if (sleeper != nullptr) await(*sleeper);
  const std::vector<void (Survivor::*)()> calls{
      &Survivor::check, &Survivor::look_at_readiness,   &Survivor::receive_all,
      &Survivor::fill,  &Survivor::register_for_notice, &Survivor::borrow,
      &Survivor::peek,  &Survivor::come_and_go};
  for (std::size_t i = 0; i < calls.size(); ++i) (this->*calls[(variant + i) % calls.size()])();
  // Whatever came first: the whole capacity is there.
  fill();
  check();
  const std::size_t held = empty();
  if (held != setting_.capacity) {
    find("filled, it holds " + std::to_string(held) + " of " + std::to_string(setting_.capacity));
  }
  judge_messages();
  check();
}

void Survivor::clean_up() {
  report_.doing("cleaning up");
  if (poller_ >= 0) ::close(std::exchange(poller_, -1));
  std::error_code ignored;  // the operation may have removed it
  if (named()) Queue::unlink(kName, ignored);
  if (descriptor_ >= 0) ::mq_close(std::exchange(descriptor_, -1));
  queue_.close();
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    const std::string name = entry.path().filename();
    if (!operation_.effect.leaves_files || !name.starts_with("mqxx-")) find("left behind: " + name);
    const auto grave = std::filesystem::path(directory_).parent_path() / "graves";
    std::filesystem::create_directory(grave);
    std::filesystem::rename(entry.path(), grave / name);
    ++report_.figures().swept;
  }
}

}  // namespace mqxx::crash
