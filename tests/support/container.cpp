#include "support/container.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace mqxx::test {
namespace {

void check(int result, const char* what) {
  if (result != 0) throw std::system_error(errno, std::generic_category(), what);
}

/// The PID namespace of the next children. It is put back, since only one can be made otherwise.
class NextNamespace {
 public:
  NextNamespace() : own_(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC)) {
    made_ = own_ >= 0 && ::unshare(CLONE_NEWPID) == 0;
    error_ = errno;
  }
  NextNamespace(const NextNamespace&) = delete;
  NextNamespace& operator=(const NextNamespace&) = delete;
  ~NextNamespace() {
    if (made_ && ::setns(own_, CLONE_NEWPID) != 0) ::abort();
    if (own_ >= 0) ::close(own_);
  }
  [[nodiscard]] bool made() const { return made_; }
  [[nodiscard]] int error() const { return error_; }

 private:
  int own_;
  bool made_ = false;
  int error_ = 0;
};

}  // namespace

bool can_contain() { return is_root() && NextNamespace().made(); }

Child in_container(const std::function<void()>& body) {
  const NextNamespace next;
  if (!next.made()) throw std::system_error(next.error(), std::generic_category(), "unshare");
  return Child([&] {
    check(::unshare(CLONE_NEWNS), "unshare");
    check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount /");
    check(::mount("proc", "/proc", "proc", 0, nullptr), "mount /proc");
    body();
  });
}

}  // namespace mqxx::test
