// Dispatcher: the one thread of a process that calls its subscribers when there are messages.
//
// It is told of edges (os/poller.hpp) by the pollable descriptor of each description, and calls all subscribers of one
// after the other. It begins with the first subscriber and ends with the last.
//   N1  a message that comes after the last look of a callback is an edge, or changes the number that was taken before
//       the callback; so whoever was told and left messages is told of the next one.
//   N2  no callback runs with the mutex held; whoever cancels waits until the one that runs is another's.
// The child of a fork(2) has another one, and its parent's subscribers are nothing to it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <unordered_map>
#include <vector>

#include <mqxx/queue.hpp>

#include "backend/backend.hpp"
#include "base/result.hpp"
#include "os/poller.hpp"

namespace mqxx::detail {

struct Subscriber {
  Queue queue;  // the callback's
  std::function<void(Queue&)> callback;
  std::function<void(std::exception_ptr)> on_error;
  std::shared_ptr<backend::Backend> home;
  std::uint32_t born = 0;  // generation of forks
  // Under the dispatcher's mutex
  bool active = false;
  std::uint64_t told = 0;  // in which turn
};

class Dispatcher {
 public:
  Dispatcher() noexcept;
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  ~Dispatcher();

  /// That of this process. nullptr: out of memory
  static Dispatcher* get() noexcept;

  /// From now on it is called. Throws std::bad_alloc; fails with too_many_files, no_memory, unsupported, and as
  /// Backend::pollable does.
  Result<void> add(const std::shared_ptr<Subscriber>& subscriber);
  /// Returns when it does not run, nor will; from inside a callback at once.
  void cancel(Subscriber& subscriber) noexcept;
  bool is_active(const Subscriber& subscriber) noexcept;

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Run;
  struct Watched;
  static constexpr std::size_t kReady = 64;

  [[nodiscard]] bool is_child() const noexcept;
  Result<void> start();
  void run(Run& own, const std::stop_token& ending) noexcept;
  // With the mutex. What they answer is to be destroyed without it.
  std::unique_ptr<Run> end_if_idle() noexcept;
  std::shared_ptr<Watched> remove(const Subscriber& subscriber) noexcept;
  // With the mutex, which they give back meanwhile; without it in the child of a fork.
  void attend(Run& own, std::uint64_t number, Lock& lock) noexcept;
  void call(std::shared_ptr<Subscriber> subscriber, const Failure& failure, Lock& lock) noexcept;

  const std::uint32_t born_;  // generation of forks
  std::mutex mutex_;
  std::condition_variable changed_;
  // By the number that the poller has of a description.
  std::unordered_map<std::uint64_t, std::shared_ptr<Watched>> watched_;
  std::uint64_t turns_ = 0;
  const Subscriber* called_ = nullptr;  // runs without the mutex
  std::thread::id caller_;              // the dispatcher's thread, while it may run what is the program's
  std::unique_ptr<Run> run_;            // while somebody is watched
};

}  // namespace mqxx::detail
