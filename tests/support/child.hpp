// Child: a process that a test starts, and that does not outlive it.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <sys/types.h>

namespace mqxx::test {

/// Whether a child of fork(2) may start threads, as polling and notices do there: the thread sanitizer ends it then,
/// and the emulator fails by itself.
#if defined(__SANITIZE_THREAD__) || defined(MQXX_EMULATED)
inline constexpr bool kThreadsInChildren = false;
#else
inline constexpr bool kThreadsInChildren = true;
#endif

/// How a child ended.
struct Ended {
  bool late = false;     ///< it was killed because it did not end in time
  int exit_status = -1;  ///< of exit; -1 when a signal ended it
  int signal = 0;        ///< that ended it, or 0
  std::string failures;  ///< what its EXPECTs and exceptions said

  [[nodiscard]] bool well() const { return exit_status == 0 && failures.empty(); }
};

/// Forks and runs `body` in the child. EXPECT_ and ASSERT_ work there as in the test: they travel back through a
/// pipe, as does the text of an exception. Exit status 0 when nothing failed, 1 otherwise.
/// REQUIRES: made by the main thread (the child dies with the thread that made it).
class Child {
 public:
  explicit Child(const std::function<void()>& body);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();  ///< kills it, by its process id, if nobody joined it

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Waits for the end; kills the child when `limit` (longer under sanitizers) passes first.
  Ended join(std::chrono::seconds limit = std::chrono::seconds(60));

  /// SIGKILL, and waits until the process is gone. @return how it ended, which may have been earlier
  Ended kill();

  /// SIGSTOP, and waits until it stands. @return false when it has ended meanwhile
  bool stop();
  /// The same for one that stops by itself.
  bool await_stop();
  /// SIGCONT.
  void go_on();
  /// Whether it has ended by itself: join() returns at once then.
  [[nodiscard]] bool has_ended() const;

 private:
  bool read_failures(Ended& ended) const;
  void reap(int status, Ended& ended);

  pid_t pid_ = -1;
  int pipe_ = -1;
};

/// Joins the child and fails the test unless it ended well.
void expect_well(Child& child, std::chrono::seconds limit = std::chrono::seconds(60));

/// In a child: become an ordinary user ("nobody"), for good. Needs to be root; does nothing otherwise, because
/// then the user is an ordinary one already.
void become_ordinary_user();

[[nodiscard]] bool is_root();

}  // namespace mqxx::test
