// In front of operator new, for the whole program and its libraries. A file of its own, so that the compiler pairs new
// with delete where they are called.
#include "faults/allocation.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local long t_left = -1;  // below 0: without end
thread_local bool t_failed = false;

void* allocate(std::size_t size) noexcept {
  if (t_left == 0) {
    t_failed = true;
    return nullptr;
  }
  if (t_left > 0) --t_left;
  return std::malloc(size == 0 ? 1 : size);
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = allocate(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace mqxx::test {

Allocations::Allocations(long count) {
  t_failed = false;
  t_left = count;
}
Allocations::~Allocations() { t_left = -1; }
bool Allocations::failed() const { return t_failed; }

}  // namespace mqxx::test
