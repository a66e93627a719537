#include "support/private_ipc.hpp"

#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

#include <grp.h>
#include <sched.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <unistd.h>

namespace mqxx::test {
namespace {

std::string path_of(const char* name) { return std::string("/proc/sys/fs/mqueue/") + name; }

std::uint64_t read_limit(const char* name) {
  std::uint64_t value = 0;
  std::ifstream(path_of(name)) >> value;
  return value;
}

/// No system gives so great a number to a person.
uid_t user_of_this_process() { return 0x40000000 + static_cast<uid_t>(::getpid()); }

}  // namespace

QueueLimits queue_limits() {
  rlimit bytes{};
  ::getrlimit(RLIMIT_MSGQUEUE, &bytes);
  return {read_limit("msg_max"), read_limit("msgsize_max"), read_limit("queues_max"), bytes.rlim_cur};
}

bool set_queue_limit(const char* name, std::uint64_t value) {
  std::ofstream file(path_of(name));
  file << value << std::flush;
  return file.good();
}

SysvLimits sysv_limits() {
  SysvLimits limits;
  msginfo numbers{};
  if (::msgctl(0, IPC_INFO, reinterpret_cast<msqid_ds*>(&numbers)) < 0) return limits;
  limits.message_size = static_cast<std::uint64_t>(numbers.msgmax);
  limits.queue_bytes = static_cast<std::uint64_t>(numbers.msgmnb);
  const int trial = ::msgget(IPC_PRIVATE, 0600);
  if (trial < 0) return limits;
  msqid_ds status{};
  ::msgctl(trial, IPC_STAT, &status);
  status.msg_qbytes = limits.most_bytes;
  if (::msgctl(trial, IPC_SET, &status) == 0) limits.queue_bytes = limits.most_bytes;
  struct {
    long type;
    char text;
  } message{};
  limits.shows_messages = ::msgrcv(trial, &message, 1, 0, MSG_COPY | IPC_NOWAIT) < 0 && errno == ENOMSG;
  ::msgctl(trial, IPC_RMID, nullptr);
  return limits;
}

bool set_sysv_limit(const char* name, std::uint64_t value) {
  std::ofstream file(std::string("/proc/sys/kernel/") + name);
  file << value << std::flush;
  return file.good();
}

bool enter_private_ipc() {
  if (::unshare(CLONE_NEWIPC) != 0) return false;
  constexpr std::uint64_t kHardCapacity = 65536;
  constexpr std::uint64_t kHardMessageSize = std::uint64_t{16} << 20;
  // What is not allowed stays as it is: queue_limits() tells.
  set_queue_limit("msg_max", kHardCapacity);
  set_queue_limit("msgsize_max", kHardMessageSize);
  set_sysv_limit("msgmax", kHardMessageSize);
  set_sysv_limit("msgmnb", 4 * kHardMessageSize);
  constexpr rlim_t kBytes = rlim_t{64} << 20;  // room for a message of every priority, and still a limit
  const rlimit bytes{kBytes, kBytes};
  (void)::setrlimit(RLIMIT_MSGQUEUE, &bytes);
  const auto unchanged = static_cast<uid_t>(-1);
  (void)::setresuid(user_of_this_process(), unchanged, unchanged);
  return true;
}

void become_user_without_queues() {
  if (::geteuid() != 0) return;
  const uid_t user = user_of_this_process();
  if (::setgroups(0, nullptr) != 0 || ::setgid(user) != 0 || ::setuid(user) != 0) {
    throw std::system_error(errno, std::generic_category(), "setuid");
  }
}

}  // namespace mqxx::test
