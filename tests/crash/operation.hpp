// Operation: what a victim is killed in, in which circumstances, and what the survivors may then find.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <mqxx/queue.hpp>

namespace mqxx::crash {

inline const std::string kName = "/q";

/// Messages tell who sent them, and their bytes follow from that. Priorities: survivors' 0, everybody else's 1 to 3.
using Tag = std::uint64_t;
inline constexpr Tag kVictims = 1000;  // and up; those of the first victim of two: kFirstVictims
inline constexpr Tag kFirstVictims = 2000;
inline constexpr Tag kFillers = 10'000;  // of the survivor who fills the queue
inline constexpr Tag kSleepers = 20'000;
inline constexpr Tag kWakers = 30'000;

struct Sent {
  Tag tag = 0;
  Priority priority = 0;
};

enum class Watch : std::uint8_t {
  nobody,
  polled,      // the survivor has the queue in epoll
  edges,       // edge-triggered
  registered,  // and is registered for a signal
};

enum class Sleeper : std::uint8_t { nobody, receiver, sender, poll, select, epoll, poll_for_room };
enum class Face : std::uint8_t { api, posix };

struct Setting {
  std::size_t capacity = 8;
  std::size_t message_size = 64;
  Tag queued = 2;             // messages in the queue before: tags 0, 1, ...
  bool one_priority = false;  // otherwise 1 + tag % 3
  bool absent = false;        // there is no queue yet
  Watch watch = Watch::nobody;
  Sleeper sleeper = Sleeper::nobody;
  bool bystander = false;  // the survivor has a second thread, which does nothing
};

struct Effect {
  std::vector<std::vector<Sent>> sends{};  // of each call the first few, or all, or none
  std::size_t takes = 0;                   // at most so many, from the front
  bool takes_first = false;                // from the front of what was queued before; else the sends come first
  std::size_t late = 0;       // at most so many that a dead one had on loan come back when others have left already
  bool leaves_files = false;  // that a later creator sweeps away
};

struct Scene {
  Setting setting;
  Queue* inherited = nullptr;  // opened before the fork; only where the operation asks for it
  int inherited_descriptor = -1;
  std::uint32_t bystander = 0;  // its TID
};

/// In the victim: what it needs is made now; what is answered is the operation.
using Prepare = std::function<std::function<void()>(const Scene&)>;

struct Operation {
  std::string name;
  Face face = Face::api;
  Setting setting{};
  Effect effect{};
  Prepare prepare;
  bool inherits = false;  // the victim is forked from a process that has the queue open
  bool threads = false;   // more than one: no breakpoints, for they would hit the others
  Prepare first{};        // dies inside a lock before; then the operation begins with the repair
};

[[nodiscard]] const std::vector<Operation>& operations();
/// Of the harness' own: each has a fault that must be found.
[[nodiscard]] const std::vector<Operation>& planted_faults();

[[nodiscard]] std::vector<Operation> api_operations();
[[nodiscard]] std::vector<Operation> posix_operations();

// messages.cpp
[[nodiscard]] std::size_t size_of(Tag tag, std::size_t message_size);
[[nodiscard]] std::vector<std::byte> message(Tag tag, std::size_t message_size);
[[nodiscard]] Priority priority_of(Tag tag, bool one_priority);
/// false: torn, or nobody's.
[[nodiscard]] bool read_tag(std::span<const std::byte> bytes, std::size_t message_size, Tag& tag);
/// Whether a drained queue is one of those that the effect allows. `found` has neither fillers nor sleepers.
/// @return what is wrong, or nothing
[[nodiscard]] std::string judge(const Setting& setting, const Effect& effect, const std::vector<Tag>& found);

}  // namespace mqxx::crash
