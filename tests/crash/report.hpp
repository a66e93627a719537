// Report: what a campaign against one operation has done and found, in memory that the runner shares with who started
// it, so that it outlives a runner that hangs or dies.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mqxx::crash {

struct Figures {
  std::atomic<std::uint64_t> instructions{0};
  std::atomic<std::uint64_t> kills{0};
  std::atomic<std::uint64_t> inside{0};     // of them with a lock held
  std::atomic<std::uint64_t> strayed{0};    // not killed at the recorded instruction, but somewhere near
  std::atomic<std::int64_t> longest_ns{0};  // from a death until its sleeper went on
  std::atomic<std::uint64_t> swept{0};      // files that dead creators left
  std::atomic<std::uint64_t> bad{0};        // deaths after which something was wrong
  std::atomic<std::uint64_t> findings{0};   // all that was wrong
};

class Report {
 public:
  Report();
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;
  ~Report();

  [[nodiscard]] Figures& figures() const { return shared_->figures; }
  /// Where the runner is: what it says when it is never heard of again.
  void at(std::size_t round, std::size_t position, const char* doing) const;
  void doing(const char* what) const;
  [[nodiscard]] std::size_t round() const { return shared_->round; }
  [[nodiscard]] std::size_t position() const { return shared_->position; }
  [[nodiscard]] std::uint64_t ticks() const { return shared_->ticks; }
  void find(const std::string& what) const;
  [[nodiscard]] std::string place() const;
  [[nodiscard]] std::string text() const;  // of the first findings
  void finish() const { shared_->finished = true; }
  [[nodiscard]] bool finished() const { return shared_->finished; }

 private:
  static constexpr std::size_t kText = 16384;
  struct Shared {
    Figures figures;
    std::atomic<std::uint64_t> ticks{0};
    std::atomic<std::size_t> round{0};
    std::atomic<std::size_t> position{0};
    std::atomic<const char*> doing{""};
    std::atomic<bool> finished{false};
    std::atomic<std::size_t> used{0};
    char text[kText]{};
  };
  Shared* shared_;
};

}  // namespace mqxx::crash
