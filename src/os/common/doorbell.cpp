// The state of a doorbell, as every POSIX system keeps it in a FIFO.
#include "os/common/doorbell.hpp"

#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace mqxx::os {
namespace {

void drain(int bell) noexcept {
  std::array<char, kBellPart> bytes;  // written before it is read
  for (int part = 0; part <= kMostBellParts; ++part) {
    if (read(bell, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return;
  }
}

}  // namespace

bool is_doorbell(const struct stat& status) noexcept { return S_ISFIFO(status.st_mode) && status.st_nlink <= 1; }

bool in_use(const std::string& path) noexcept {
  // Nobody opens it for writing only, so a writer who finds no reader finds nobody.
  const UniqueFd probe(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  return probe || (errno != ENXIO && errno != ENOENT);
}

Bell bell_state(int bell) noexcept {
  pollfd state{bell, POLLIN | POLLOUT, 0};
  if (::poll(&state, 1, 0) <= 0 || (state.revents & POLLIN) == 0) return Bell::empty;
  return (state.revents & POLLOUT) != 0 ? Bell::some : Bell::full;
}

void set_bell(int bell, Bell from, Bell to) noexcept {
  if (from == to) return;
  switch (to) {
    case Bell::empty: return drain(bell);
    case Bell::some:
      if (from == Bell::full) return leave_some(bell);
      (void)!write(bell, kBellFilling.data(), 1);
      return;
    case Bell::full: return fill_bell(bell);
  }
}

}  // namespace mqxx::os
