// mq bench: how fast queues are on this machine, in a few seconds, with this program's own two processes: a message
// there and back in one process, a stream from one process to another, a round trip between two. `./dev bench` measures
// more, and beside others.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <mqxx/queue.hpp>

#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/output.hpp"
#include "cli/values.hpp"

namespace mqxx::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// The other process is there unless somebody killed it.
constexpr auto kPatience = std::chrono::seconds(20);
constexpr char kEnd = '.';  // first byte of the last message; of all others '-'

struct Measuring {
  std::string home;
  std::uint64_t capacity = 10;
  std::uint64_t message_size = 64;
  nanoseconds time = std::chrono::seconds(1);
  bool json = false;
};

struct Measured {
  double pair_ns = 0;
  double stream_per_s = 0;
  double round_trip_p50_ns = 0;
  double round_trip_p99_ns = 0;
};

/// A queue for one measurement. Where a removed queue lives on its name is gone at once, so that a run that is killed
/// leaves nothing behind.
class Scratch {
 public:
  Scratch(const Measuring& wanted, const char* use)
      : queue_(Queue::create(name_in(wanted.home, use),
                             {.capacity = wanted.capacity, .message_size = wanted.message_size})),
        lives_on_(!queue_.name().starts_with("sysv:")) {
    if (lives_on_) queue_.unlink();
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!lives_on_) Queue::unlink(queue_.name(), ignored);
  }
  Queue& queue() { return queue_; }

 private:
  static std::string name_in(const std::string& home, const char* use) {
    return home == "sysv:" ? "sysv:private" : fmt::format("{}/mq-bench-{}-{}", home, ::getpid(), use);
  }

  Queue queue_;
  bool lives_on_;
};

/// A child that does the work and ends. Killed at the end if it is still there.
class Other {
 public:
  template <class Work>
  explicit Other(Work work) : child_(::fork()) {
    if (child_ < 0) throw Complaint(Status::failed, "bench: fork: " + std::generic_category().message(errno));
    if (child_ > 0) return;
    try {
      work();
    } catch (...) {
      ::_exit(1);  // the parent notices that nothing comes
    }
    ::_exit(0);
  }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  ~Other() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

 private:
  pid_t child_;
};

/// Sends and receives, and gives up when the other process does not take part.
class End {
 public:
  End(Queue& queue, std::size_t size) : queue_(queue), bytes_(size, std::byte{'-'}) {}

  void send() {
    if (!queue_.send_for(std::span<const std::byte>(bytes_), kPatience)) lost();
  }
  void send_last() {
    bytes_[0] = std::byte{kEnd};
    send();
    bytes_[0] = std::byte{'-'};
  }
  /// @return false for the last one
  bool receive() {
    if (!queue_.receive_for(bytes_, kPatience)) lost();
    return bytes_[0] != std::byte{kEnd};
  }

 private:
  [[noreturn]] static void lost() { throw Complaint(Status::failed, "bench: the other process is gone"); }

  Queue& queue_;
  std::vector<std::byte> bytes_;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Nanoseconds for a message sent and received by one process.
double measure_pair(const Measuring& wanted) {
  constexpr int kPart = 64;  // between two looks at the clock
  Scratch scratch(wanted, "pair");
  End end(scratch.queue(), wanted.message_size);
  std::uint64_t pairs = 0;
  const auto start = Clock::now();
  do {
    for (int i = 0; i < kPart; ++i, ++pairs) {
      end.send();
      end.receive();
    }
  } while (Clock::now() - start < wanted.time);
  return seconds_since(start) * 1e9 / static_cast<double>(pairs);
}

/// Messages a second from this process to another.
double measure_stream(const Measuring& wanted) {
  constexpr int kPart = 64;
  Scratch there(wanted, "there");
  Scratch back(wanted, "back");
  const Other other([&] {
    End in(there.queue(), wanted.message_size);
    while (in.receive()) {
    }
    End(back.queue(), wanted.message_size).send();
  });
  End out(there.queue(), wanted.message_size);
  std::uint64_t messages = 1;
  const auto start = Clock::now();
  while (Clock::now() - start < wanted.time) {
    for (int i = 0; i < kPart; ++i, ++messages) out.send();
  }
  out.send_last();
  End(back.queue(), wanted.message_size).receive();
  return static_cast<double>(messages) / seconds_since(start);
}

/// Nanoseconds from a send until the answer of another process is here, sorted.
std::vector<double> measure_round_trips(const Measuring& wanted) {
  Scratch there(wanted, "there");
  Scratch back(wanted, "back");
  const Other other([&] {
    End in(there.queue(), wanted.message_size);
    End out(back.queue(), wanted.message_size);
    while (in.receive()) out.send();
  });
  End out(there.queue(), wanted.message_size);
  End in(back.queue(), wanted.message_size);
  std::vector<double> trips;
  const auto start = Clock::now();
  while (Clock::now() - start < wanted.time || trips.empty()) {
    const auto sent = Clock::now();
    out.send();
    in.receive();
    trips.push_back(seconds_since(sent) * 1e9);
  }
  out.send_last();
  std::sort(trips.begin(), trips.end());
  return trips;
}

Measured measure(const Measuring& wanted) {
  Measured measured;
  measured.pair_ns = measure_pair(wanted);
  measured.stream_per_s = measure_stream(wanted);
  const std::vector<double> trips = measure_round_trips(wanted);
  measured.round_trip_p50_ns = trips[trips.size() / 2];
  measured.round_trip_p99_ns = trips[trips.size() * 99 / 100];
  return measured;
}

/// Tenths: what comes behind is chance.
double tenths(double value) { return std::round(value * 10) / 10; }

std::string json_of(const Measuring& wanted, const Measured& measured) {
  const nlohmann::ordered_json json{
      {"home", wanted.home},
      {"capacity", wanted.capacity},
      {"message_size", wanted.message_size},
      {"pair_ns", tenths(measured.pair_ns)},
      {"stream_per_s", std::round(measured.stream_per_s)},
      {"round_trip_p50_ns", tenths(measured.round_trip_p50_ns)},
      {"round_trip_p99_ns", tenths(measured.round_trip_p99_ns)},
  };
  return json.dump(2) + '\n';
}

std::string text_of(const Measuring& wanted, const Measured& measured) {
  return fmt::format(
      "queue            {}, capacity {}, message size {} bytes\n"
      "send + receive   {:.1f} ns in one process\n"
      "stream           {:.2f} M messages/s from one process to another\n"
      "round trip       {:.0f} ns to another process and back (median; 99 of 100 within {:.0f} ns)\n",
      wanted.home.empty() ? "shared memory" : wanted.home, wanted.capacity, wanted.message_size, measured.pair_ns,
      measured.stream_per_s / 1e6, measured.round_trip_p50_ns, measured.round_trip_p99_ns);
}

Status bench(const Measuring& wanted) {
  const Measured measured = measure(wanted);
  write_out(wanted.json ? json_of(wanted, measured) : text_of(wanted, measured));
  return Status::done;
}

}  // namespace

Run declare_bench(CLI::App& app) {
  auto wanted = std::make_shared<Measuring>();
  app.add_option("HOME", wanted->home, "kernel: or sysv: (default: shared memory)")
      ->check(CLI::IsMember({"", "kernel:", "sysv:"}));
  add_count(app, "-c,--capacity", "Of the queues (default 10)", {.least = 1, .most = kMaxCapacity}, wanted->capacity);
  app.add_option_function<std::string>(
         "-s,--message-size",
         [wanted](const std::string& text) {
           const auto size = parse_size(text);
           if (!size || *size == 0 || *size > kMaxMessageSize) {
             throw CLI::ValidationError("--message-size", "'" + text + "' is not a size from 1, such as 64 or 8K");
           }
           wanted->message_size = *size;
         },
         "Bytes of each message (default 64)")
      ->type_name("SIZE");
  app.add_option_function<std::string>(
         "--time",
         [wanted](const std::string& text) {
           const auto time = parse_duration(text);
           if (!time) throw CLI::ValidationError("--time", "'" + text + "' is no time; write 250ms, 2s or 0.5");
           wanted->time = *time;
         },
         "For each of the three measurements (default 1s)")
      ->type_name("TIME");
  app.add_flag("-j,--json", wanted->json, "As JSON, for programs");
  app.footer(
      "Measures queues of its own on this machine, as it is now: what else runs shows in the numbers.\n\n"
      "Examples:\n"
      "  mq bench\n"
      "  mq bench kernel: --time 250ms\n"
      "  mq bench --capacity 1024 --message-size 8K --json\n");
  return [wanted] { return bench(*wanted); };
}

}  // namespace mqxx::cli
