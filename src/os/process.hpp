// Who runs where, and who still lives.
//
// Claims: a process claims a number on a file; the claim ends when it dies, however it dies, or closes the file.
// Anybody who has the file open can ask. Claims of a descriptor are inherited by fork together with it, so a child must
// give its copy up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace mqxx::os {

std::int32_t process_id() noexcept;
/// The processor this thread runs on, or -1. About a nanosecond.
std::int32_t current_cpu() noexcept;

/// Fails with would_block when another open file description has the claim.
Result<void> claim(int fd, std::uint32_t number) noexcept;
/// Whether another open file description has the claim.
bool claimed_elsewhere(int fd, std::uint32_t number) noexcept;
/// A new open file description of the same file, which shares no claims with the old.
Result<UniqueFd> reopen(int fd) noexcept;
/// The same under the same number: whoever uses it meanwhile uses the one or the other.
Result<void> renew(int fd) noexcept;

/// Rises in the child of every fork. A number kept from before tells the child that it inherited something.
std::uint32_t fork_generation() noexcept;

/// Names the PID namespace, so that two processes know whether they mean the same by a number; 0 when unknown.
std::uint32_t pid_namespace() noexcept;
/// REQUIRES: pid is of this process's PID namespace.
bool process_exists(std::int32_t pid) noexcept;
/// What its program calls itself, 15 bytes at most; "" when the system does not say. REQUIRES: the same.
std::string process_name(std::int32_t pid);
/// Whether that process is this user's, whoever it pretends to be; false when the system does not say. REQUIRES: the
/// same.
bool belongs_to(std::int32_t pid, std::uint32_t uid) noexcept;
/// Whether a thread of this PID namespace has the file of `fd` mapped. Some file systems tell one number here and
/// another there: believe a no only where the calling thread, which has it mapped, gets a yes.
enum class Maps : std::uint8_t { no, yes, unknown };
Maps maps(std::uint32_t thread, int fd) noexcept;
/// What a thread of this PID namespace is doing just now, as far as the system tells strangers.
enum class Doing : std::uint8_t { running, sleeping, stopped, unknown };
Doing doing(std::uint32_t thread) noexcept;
bool is_thread_of(std::uint32_t thread, std::int32_t pid) noexcept;
std::uint32_t thread_id() noexcept;

/// Raises a signal in a process as the kernel does for a message: SI_MESGQ, with this process and user as its sender.
/// Fails with permission_denied, not_found. A signal of 0 is none. Leaves errno alone.
Result<void> raise_for_message(std::int32_t pid, int signal, std::uint64_t value) noexcept;
/// The same in this very process, in the name of another sender.
Result<void> raise_in_name_of(std::int32_t sender, std::uint32_t uid, int signal, std::uint64_t value) noexcept;
std::uint32_t user_id() noexcept;
/// A variable of the environment; null where it is not set, or where this program has more rights than its caller.
const char* trusted_environment(const char* name) noexcept;
/// Whether this process has the rights of that user and of no other.
bool acts_as(std::uint32_t uid) noexcept;

/// While one lives this thread is not cancelled: for calls of the C library that are cancellation points, in functions
/// that cannot be left by unwinding.
class Uncancelled {
 public:
  Uncancelled() noexcept;
  Uncancelled(const Uncancelled&) = delete;
  Uncancelled& operator=(const Uncancelled&) = delete;
  ~Uncancelled();

 private:
  int before_ = 0;
};

/// While one lives this thread takes no signals, and threads that it makes never do: the program's signals are for the
/// program's threads. All but the one of a lost page (os/guard.hpp), which whoever touches a queue must be able to get.
class SignalsHeldBack {
 public:
  SignalsHeldBack() noexcept;
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;
  ~SignalsHeldBack();

 private:
  alignas(long) std::array<std::byte, 128> before_;  // the system's set of signals
};

/// The permission bits that whatever this process makes does not get. @see umask(2)
std::uint32_t creation_mask() noexcept;
/// Whether this process may use a file of that owner and those permission bits for reading or writing.
bool may_access(std::uint32_t uid, std::uint32_t gid, std::uint32_t mode, bool read, bool write) noexcept;

}  // namespace mqxx::os
