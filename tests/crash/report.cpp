#include "report.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include <sys/mman.h>

namespace mqxx::crash {

Report::Report() {
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  shared_ = new (memory) Shared;
}

Report::~Report() { ::munmap(shared_, sizeof(Shared)); }

void Report::at(std::size_t round, std::size_t position, const char* doing) const {
  shared_->round = round;
  shared_->position = position;
  this->doing(doing);
}

void Report::doing(const char* what) const {
  shared_->doing = what;
  ++shared_->ticks;
}

std::string Report::place() const {
  return "round " + std::to_string(round()) + ", instruction " + std::to_string(position()) + ", " +
         shared_->doing.load();
}

void Report::find(const std::string& what) const {
  ++shared_->figures.findings;
  const std::string line = place() + ": " + what + "\n";
  const std::size_t used = shared_->used;
  if (used + line.size() >= kText) return;  // they are counted all the same
  std::memcpy(shared_->text + used, line.data(), line.size());
  shared_->used = used + line.size();
}

std::string Report::text() const { return {shared_->text, shared_->used}; }

}  // namespace mqxx::crash
