// All operations; and those of the harness' own, whose faults it must find.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "operation.hpp"
#include "shm/layout.hpp"

namespace mqxx::crash {
namespace {

std::string directory() { return ::getenv("MQXX_DIR"); }

/// The queue's bytes, past the library.
std::byte* map_queue(std::size_t size) {
  const int file = ::open((directory() + "/mqxx.q").c_str(), O_RDWR | O_CLOEXEC);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return static_cast<std::byte*>(memory);
}

shm::Header& map_header() { return *reinterpret_cast<shm::Header*>(map_queue(sizeof(shm::Header))); }

// Two counts that belong together, changed one after the other outside of any lock.
std::function<void()> miscount(const Scene&) {
  shm::Header& header = map_header();
  return [&header] {
    header.sender.sent.add(1);
    header.sender.sent.add(static_cast<std::uint64_t>(-1));
  };
}

// A message that waits is written anew, byte for byte.
std::function<void()> tear(const Scene& scene) {
  constexpr std::size_t kMost = std::size_t{4} << 20;
  const std::vector<std::byte> first = message(0, scene.setting.message_size);
  std::byte* file = map_queue(kMost);
  std::byte* found = nullptr;
  const std::size_t size =
      static_cast<std::size_t>(::lseek(::open((directory() + "/mqxx.q").c_str(), O_RDONLY | O_CLOEXEC), 0, SEEK_END));
  for (std::byte* at = file; at + first.size() <= file + size && found == nullptr; at += 16) {
    if (std::equal(first.begin(), first.end(), at)) found = at;
  }
  return [=] {
    for (volatile std::byte* at = found + 8; at != found + 16; ++at) *at = *at ^ std::byte{0xff};
    for (volatile std::byte* at = found + 8; at != found + 16; ++at) *at = *at ^ std::byte{0xff};
  };
}

// Something of the victim's own in the directory.
std::function<void()> litter(const Scene&) {
  const auto path = std::make_shared<std::string>(directory() + "/litter");
  return [=] {
    ::close(::open(path->c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ::unlink(path->c_str());
  };
}

// The senders' lock, under the name of a thread that lives and has the queue open.
std::function<void()> lock_out(const Scene& scene) {
  std::atomic<std::uint32_t>& word = map_header().sender.lock.word;
  return [&word, thread = scene.bystander] {
    word.store(thread);
    word.store(0);
  };
}

}  // namespace

const std::vector<Operation>& operations() {
  static const std::vector<Operation> all = [] {
    std::vector<Operation> both = api_operations();
    for (Operation& operation : posix_operations()) both.push_back(std::move(operation));
    return both;
  }();
  return all;
}

const std::vector<Operation>& planted_faults() {
  static const std::vector<Operation> all{
      {"counts changed outside the lock", Face::api, {}, {}, miscount},
      {"message rewritten in place", Face::api, {}, {}, tear},
      {"file left behind", Face::api, {}, {}, litter},
      {"lock never given back", Face::api, {.bystander = true}, {}, lock_out},
  };
  return all;
}

}  // namespace mqxx::crash
