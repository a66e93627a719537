// SharedArray: zeroed memory that a test and the processes it forks see alike. It outlives a SIGKILL of any of them.
#pragma once

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <type_traits>

#include <sys/mman.h>

namespace mqxx::test {

/// REQUIRES: all zero bits are a value of T, as for integers and their atomics.
template <class T>
class SharedArray {
  static_assert(std::is_trivially_destructible_v<T>, "nobody runs destructors of shared values");

 public:
  explicit SharedArray(std::size_t count) : count_(count) {
    void* memory = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    values_ = static_cast<T*>(memory);
  }
  SharedArray(const SharedArray&) = delete;
  SharedArray& operator=(const SharedArray&) = delete;
  ~SharedArray() { ::munmap(values_, bytes()); }

  T& operator[](std::size_t index) const { return values_[index]; }
  [[nodiscard]] std::size_t size() const { return count_; }
  T* begin() const { return values_; }
  T* end() const { return values_ + count_; }

 private:
  [[nodiscard]] std::size_t bytes() const { return (count_ > 0 ? count_ : 1) * sizeof(T); }

  std::size_t count_;
  T* values_ = nullptr;
};

}  // namespace mqxx::test
