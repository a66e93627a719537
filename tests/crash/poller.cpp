// poller HOW: waits until the queue /q has a message, in one of the calls that poll, and then takes it. Linked with
// libmqxx-posix. Ends with 0 when the message came, 1 when the call said something else, 2 when it could not begin.
#include <array>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

namespace {

constexpr int kPatience = 30;  // seconds

struct EpollInstance {
  int number = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};

  explicit EpollInstance(mqd_t queue, std::uint32_t events) {
    event.events = events;
    (void)::epoll_ctl(number, EPOLL_CTL_ADD, queue, &event);
  }
};

int poll_for(std::string_view how, mqd_t queue) {
  const timespec time{kPatience, 0};
  if (how == "poll" || how == "ppoll") {
    pollfd polled{queue, POLLIN, 0};
    return how == "poll" ? ::poll(&polled, 1, kPatience * 1000) : ::ppoll(&polled, 1, &time, nullptr);
  }
  if (how == "select" || how == "pselect") {
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(queue, &readable);
    timeval until{kPatience, 0};
    return how == "select" ? ::select(queue + 1, &readable, nullptr, nullptr, &until)
                           : ::pselect(queue + 1, &readable, nullptr, nullptr, &time, nullptr);
  }
  EpollInstance instance(queue, how == "epoll_wait_edges" ? EPOLLIN | EPOLLET : EPOLLIN);
  if (how == "epoll_pwait") return ::epoll_pwait(instance.number, &instance.event, 1, kPatience * 1000, nullptr);
  if (how == "epoll_pwait2") return ::epoll_pwait2(instance.number, &instance.event, 1, &time, nullptr);
  return ::epoll_wait(instance.number, &instance.event, 1, kPatience * 1000);
}

}  // namespace

int main(int count, char** arguments) {
  const mqd_t queue = ::mq_open("/q", O_RDONLY | O_NONBLOCK);
  if (count != 2 || queue < 0) return 2;
  if (poll_for(arguments[1], queue) != 1) return 1;
  std::array<char, 64> buffer{};
  return ::mq_receive(queue, buffer.data(), buffer.size(), nullptr) >= 0 ? 0 : 1;
}
