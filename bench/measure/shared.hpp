// Memory that a process shares with the children it forks later, and with nobody else.
#pragma once

#include <new>
#include <system_error>

#include <sys/mman.h>

namespace bench {

/// One T, or `count` of them, value-initialised. T must be content without its destructor.
template <class T>
class Shared {
 public:
  explicit Shared(std::size_t count = 1) : bytes_(count * sizeof(T)) {
    void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    first_ = static_cast<T*>(memory);
    for (std::size_t i = 0; i < count; ++i) ::new (first_ + i) T{};
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { ::munmap(first_, bytes_); }

  T& operator*() { return *first_; }
  T* operator->() { return first_; }
  T& operator[](std::size_t i) { return first_[i]; }

 private:
  std::size_t bytes_;
  T* first_;
};

}  // namespace bench
