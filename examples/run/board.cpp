#include "board.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <sys/mman.h>

namespace run {

SharedMemory::SharedMemory(std::size_t size) {
  void* const start = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  bytes_ = {static_cast<std::byte*>(start), size};
}

SharedMemory::~SharedMemory() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

std::size_t Log::bytes_for(const Plan& plan) {
  const std::size_t overhead = sizeof(Prefix) + sizeof(Header) + kAlignment;
  return kAlignment + plan.messages() * overhead + plan.repeat() * plan.text().size() + sizeof(Prefix) +
         plan.longest_message();
}

Log::Log(const Plan& plan) : longest_message_(plan.longest_message()), memory_(bytes_for(plan)) { used() = kAlignment; }

void Log::prepare(std::uint32_t consumers) const {
  constexpr std::size_t kMost = std::size_t{128} << 20;
  const std::span<std::byte> bytes = memory_.bytes();
  // An old kernel may refuse, which only makes it slower.
  ::madvise(bytes.data(), std::min(bytes.size() / consumers, kMost), MADV_POPULATE_WRITE);
}

std::span<std::byte> Log::room() {
  const std::size_t begin = used() + sizeof(Prefix);
  if (begin + longest_message_ > memory_.bytes().size()) {
    throw std::runtime_error("more messages arrived than were sent");
  }
  return memory_.bytes().subspan(begin, longest_message_);
}

void Log::keep(std::size_t size, std::uint32_t priority) {
  Prefix* const prefix = prefix_at(used());
  prefix->size = static_cast<std::uint32_t>(size);
  prefix->priority = priority;
  used() += sizeof(Prefix) + (size + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace run
