#include "sleeper.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mqxx::crash {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void give_up(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

SleepingPeer::SleepingPeer(Sleeper kind, Face face) : kind_(kind), face_(face) {
  int go[2];
  int tell[2];
  if (::pipe2(go, O_CLOEXEC) != 0 || ::pipe2(tell, O_CLOEXEC) != 0) give_up("pipe2");
  pid_ = ::fork();
  if (pid_ < 0) give_up("fork");
  if (pid_ == 0) {
    ::close(go[1]);
    ::close(tell[0]);
    live(go[0], tell[1]);
    ::_exit(0);
  }
  ::close(go[0]);
  ::close(tell[1]);
  go_ = go[1];
  told_ = tell[0];
}

SleepingPeer::~SleepingPeer() {
  ::close(go_);
  ::close(told_);
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void SleepingPeer::live(int go, int tell) const {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  char byte = 0;
  if (::read(go, &byte, 1) != 1) return;
  try {
    const Tag tag = wait_in_call();
    (void)!::write(tell, &tag, sizeof tag);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sleeper: %s\n", error.what());
  }
}

Tag SleepingPeer::wait_in_call() const { return face_ == Face::api && !polls() ? wait_in_api() : wait_in_posix(); }

Tag SleepingPeer::wait_in_api() const {
  Queue queue = Queue::open(kName);
  const std::size_t message_size = queue.attributes().message_size;
  if (kind_ == Sleeper::sender) {
    queue.send(std::span<const std::byte>(message(kSleepers, message_size)), 0);
    return kSleepers;
  }
  const Message got = queue.receive();
  Tag tag = 0;
  return read_tag(got.bytes(), message_size, tag) ? tag : kTorn;
}

Tag SleepingPeer::wait_in_posix() const {
  const mqd_t queue = ::mq_open(kName.c_str(), O_RDWR);
  mq_attr attributes{};
  if (queue < 0 || ::mq_getattr(queue, &attributes) != 0) give_up("mq_open");
  const auto message_size = static_cast<std::size_t>(attributes.mq_msgsize);
  switch (kind_) {
    case Sleeper::sender: {
      const std::vector<std::byte> bytes = message(kSleepers, message_size);
      if (::mq_send(queue, reinterpret_cast<const char*>(bytes.data()), bytes.size(), 0) != 0) give_up("mq_send");
      break;
    }
    case Sleeper::receiver: {
      std::vector<std::byte> buffer(message_size);
      const ssize_t size = ::mq_receive(queue, reinterpret_cast<char*>(buffer.data()), buffer.size(), nullptr);
      if (size < 0) give_up("mq_receive");
      Tag tag = 0;
      return read_tag(std::span(buffer).first(static_cast<std::size_t>(size)), message_size, tag) ? tag : kTorn;
    }
    case Sleeper::poll:
    case Sleeper::poll_for_room: {
      pollfd entry{queue, static_cast<short>(kind_ == Sleeper::poll ? POLLIN : POLLOUT), 0};
      if (::poll(&entry, 1, -1) != 1) give_up("poll");
      break;
    }
    case Sleeper::select: {
      fd_set readable;
      FD_ZERO(&readable);
      FD_SET(queue, &readable);
      if (::select(queue + 1, &readable, nullptr, nullptr, nullptr) != 1) give_up("select");
      break;
    }
    case Sleeper::epoll: {
      const int poller = ::epoll_create1(EPOLL_CLOEXEC);
      epoll_event event{};
      event.events = EPOLLIN;
      if (::epoll_ctl(poller, EPOLL_CTL_ADD, queue, &event) != 0) give_up("epoll_ctl");
      if (::epoll_wait(poller, &event, 1, -1) != 1) give_up("epoll_wait");
      break;
    }
    case Sleeper::nobody: break;
  }
  return kSleepers;
}

// By the system call that it is in: a state alone does not tell where a process sleeps.
bool SleepingPeer::in_call() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/syscall");
  long number = -1;
  if (!(file >> number)) return false;
  if (!polls()) return number == SYS_futex || number == SYS_futex_waitv;
  constexpr std::array kPolling{SYS_poll, SYS_ppoll, SYS_select, SYS_pselect6, SYS_epoll_wait, SYS_epoll_pwait};
  for (const long polling : kPolling) {
    if (number == polling) return true;
  }
  return false;
}

bool SleepingPeer::fall_asleep() {
  const char byte = 1;
  if (::write(go_, &byte, 1) != 1) return false;
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!in_call()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(50us);
  }
  return true;
}

std::optional<Tag> SleepingPeer::answer(std::chrono::milliseconds patience) {
  pollfd told{told_, POLLIN, 0};
  if (::poll(&told, 1, static_cast<int>(patience.count())) <= 0) return std::nullopt;
  Tag tag = 0;
  if (::read(told_, &tag, sizeof tag) != sizeof tag) return std::nullopt;  // it died, and has said why
  return tag;
}

namespace {

// Holes stay holes: the files are large and nearly empty.
void copy_file(const std::string& from, const std::string& to) {
  const int source = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
  const int target = ::open(to.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const off_t end = ::lseek(source, 0, SEEK_END);
  if (source < 0 || target < 0 || ::ftruncate(target, end) != 0) give_up("copy");
  std::vector<char> bytes;
  for (off_t at = ::lseek(source, 0, SEEK_DATA); at >= 0; at = ::lseek(source, at, SEEK_DATA)) {
    const off_t hole = ::lseek(source, at, SEEK_HOLE);
    bytes.resize(static_cast<std::size_t>(hole - at));
    if (::pread(source, bytes.data(), bytes.size(), at) != hole - at) give_up("pread");
    if (::pwrite(target, bytes.data(), bytes.size(), at) != hole - at) give_up("pwrite");
    at = hole;
  }
  ::close(source);
  ::close(target);
}

}  // namespace

bool could_go_on(const std::string& directory, bool wants_room) {
  const std::string elsewhere = directory + "/copy";
  std::filesystem::create_directory(elsewhere);
  const std::string before = ::getenv("MQXX_DIR");
  copy_file(before + "/mqxx.q", elsewhere + "/mqxx.q");
  ::setenv("MQXX_DIR", elsewhere.c_str(), 1);
  bool could = false;
  {
    Queue copy = Queue::open(kName);
    could = wants_room ? copy.try_send(std::span<const std::byte>(message(kFillers, copy.attributes().message_size)))
                       : copy.try_receive().has_value();
  }
  ::setenv("MQXX_DIR", before.c_str(), 1);
  std::filesystem::remove_all(elsewhere);
  return could;
}

}  // namespace mqxx::crash
