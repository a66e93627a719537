// There is none: poll(2) costs time for each descriptor that is not ready, and what is below it here knows no edges.
#include "os/poller.hpp"

namespace mqxx::os {

Result<Poller> Poller::make() noexcept { return Errc::unsupported; }

Result<void> Poller::control(int /*operation*/, int /*fd*/, Events /*events*/, std::uint64_t /*number*/) noexcept {
  return Errc::unsupported;
}
Result<void> Poller::add(int fd, Events events, std::uint64_t number) noexcept {
  return control(0, fd, events, number);
}
Result<void> Poller::change(int fd, Events events, std::uint64_t number) noexcept {
  return control(0, fd, events, number);
}
void Poller::remove(int /*fd*/) noexcept {}
void Poller::set_alarm(std::int64_t deadline_ns) noexcept { alarm_ns_ = deadline_ns; }
std::size_t Poller::wait(std::span<Ready> /*room*/, std::int64_t deadline_ns) noexcept {
  set_alarm(deadline_ns);
  return 0;
}
void Poller::wake() noexcept {}

}  // namespace mqxx::os
