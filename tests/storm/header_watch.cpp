#include "storm/header_watch.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mqxx/inspect.hpp>

namespace mqxx::test {
namespace {

// docs/layout.md, The files of a queue.
std::string file_of(const Place& place) { return queue_directory() + "/mqxx." + (place.name + 1); }

bool owns(const os::LockWord& lock, pid_t process) {
  return (lock.word.load(std::memory_order_relaxed) & FUTEX_TID_MASK) == static_cast<std::uint32_t>(process);
}

}  // namespace

HeaderWatch::HeaderWatch() {
  for (std::size_t i = 0; i < kPlaces.size(); ++i) {
    const std::string file = file_of(kPlaces.at(i));
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "open " + file);
    const void* memory = ::mmap(nullptr, sizeof(shm::Header), PROT_READ, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap " + file);
    headers_.at(i) = static_cast<const shm::Header*>(memory);
  }
}

HeaderWatch::~HeaderWatch() {
  for (const shm::Header* header : headers_) ::munmap(const_cast<shm::Header*>(header), sizeof *header);
}

bool HeaderWatch::is_inside(pid_t process) const {
  return std::ranges::any_of(headers_, [process](const shm::Header* header) {
    return owns(header->sender.lock, process) || owns(header->receiver.lock, process);
  });
}

std::uint32_t HeaderWatch::most_users() const {
  std::uint32_t most = 0;
  for (const shm::Header* header : headers_) most = std::max(most, header->sender.user_count.get());
  return most;
}

}  // namespace mqxx::test
