#include <fstream>

#include <sched.h>
#include <sys/resource.h>

#include "measure/machine.hpp"

namespace bench {
namespace {

struct Limit {
  const char* path;
  const char* wanted;
};

// fs.mqueue.* and kernel.msg* belong to the IPC namespace. 65536 and 16 MiB are the kernel's hard limits.
constexpr Limit kLimits[] = {
    {"/proc/sys/fs/mqueue/msg_max", "65536"},
    {"/proc/sys/fs/mqueue/msgsize_max", "16777216"},
    {"/proc/sys/kernel/msgmnb", "268435456"},
    {"/proc/sys/kernel/msgmax", "16777216"},
};

std::string first_word(const char* path) {
  std::ifstream file(path);
  std::string word;
  return file >> word ? word : "unknown";
}

std::string bytes_for_queues() {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_MSGQUEUE, &unlimited) == 0) return "unlimited";
  rlimit now{};
  ::getrlimit(RLIMIT_MSGQUEUE, &now);
  now.rlim_cur = now.rlim_max;
  ::setrlimit(RLIMIT_MSGQUEUE, &now);
  return std::to_string(now.rlim_max);
}

}  // namespace

std::string raise_kernel_limits() {
  const bool own_namespace = ::unshare(CLONE_NEWIPC) == 0;
  if (own_namespace) {
    for (const Limit& limit : kLimits) std::ofstream(limit.path) << limit.wanted;
  }
  return std::string(own_namespace ? "of an own IPC namespace" : "as found (not privileged to raise them)") +
         ": msg_max " + first_word(kLimits[0].path) + ", msgsize_max " + first_word(kLimits[1].path) + ", msgmnb " +
         first_word(kLimits[2].path) + ", msgmax " + first_word(kLimits[3].path) + "; RLIMIT_MSGQUEUE " +
         bytes_for_queues();
}

}  // namespace bench
