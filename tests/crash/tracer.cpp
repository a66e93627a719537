#include "tracer.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mqxx::crash {

// The operation is over when the child stands here; only the address counts.
extern "C" [[gnu::noinline]] void mqxx_crash_operation_over() { asm volatile("" ::: "memory"); }

namespace {

constexpr int kUnprepared = 9;

std::uint64_t end_place() { return reinterpret_cast<std::uint64_t>(&mqxx_crash_operation_over); }

[[noreturn]] void live_and_die(const Victim::Prepare& prepare, int go) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  char byte = 0;
  if (::read(go, &byte, 1) != 1) ::_exit(kUnprepared);
  ::close(go);
  try {
    const std::function<void()> operate = prepare();
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    asm volatile("int3");
    operate();
    mqxx_crash_operation_over();
    asm volatile("int3");  // for those who were not stepped
  } catch (const std::exception& error) {
    std::fprintf(stderr, "victim: %s\n", error.what());
  }
  ::_exit(kUnprepared);
}

}  // namespace

void Trace::add(std::uint64_t place, bool is_inside) {
  places.push_back(place);
  inside.push_back(is_inside);
}

void Trace::find_ways() {
  constexpr std::size_t kStepsOfAVisit = 4;  // what it takes to stop at a breakpoint and go on
  std::unordered_set<std::uint64_t> repeating;
  for (std::size_t at = 1; at < places.size(); ++at) {
    if (places[at - 1] == places[at]) repeating.insert(places[at]);
  }
  std::unordered_map<std::uint64_t, std::size_t> known;
  visits.clear();
  anchors.clear();
  std::size_t anchor = 0;
  for (std::size_t at = 0; at < places.size(); ++at) {
    visits.push_back(repeating.contains(places[at]) ? 0 : ++known[places[at]]);
    const bool nearer = kStepsOfAVisit * visits[at] + anchor < kStepsOfAVisit * visits[anchor] + at;
    if (visits[at] != 0 && (nearer || visits[anchor] == 0)) anchor = at;
    anchors.push_back(anchor);
  }
  leaves.assign(places.size(), places.size());
  for (std::size_t at = places.size(); at-- > 1;) {
    leaves[at - 1] = places[at - 1] == places[at] ? leaves[at] : at;
  }
}

Victim::Victim(const Prepare& prepare) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    ::close(ends[1]);
    live_and_die(prepare, ends[0]);
  }
  ::close(ends[0]);
  go_ = ends[1];
}

Victim::~Victim() { kill(); }

void Victim::kill() {
  if (go_ >= 0) ::close(go_);
  go_ = -1;
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (!over_ && (::waitpid(pid_, &status, __WALL) < 0 ? errno == EINTR : WIFSTOPPED(status))) {
  }
  pid_ = -1;
}

bool Victim::begin() {
  const char byte = 1;
  const bool told = ::write(go_, &byte, 1) == 1;
  ::close(go_);
  go_ = -1;
  int status = 0;
  while (::waitpid(pid_, &status, __WALL) < 0 && errno == EINTR) {
  }
  over_ = !WIFSTOPPED(status);
  if (over_ || !told) return false;
  ::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_EXITKILL);
  return true;
}

// Signals other than our own traps are the child's, who gets them.
Victim::Stop Victim::resume(int request) {
  for (std::intptr_t signal = 0;;) {
    if (::ptrace(static_cast<__ptrace_request>(request), pid_, nullptr, signal) != 0) return Stop::gone;
    int status = 0;
    while (::waitpid(pid_, &status, __WALL) < 0 && errno == EINTR) {
    }
    over_ = !WIFSTOPPED(status);
    if (over_) return Stop::gone;
    if (WSTOPSIG(status) == SIGTRAP) return Stop::trapped;
    signal = WSTOPSIG(status);
  }
}

std::uint64_t Victim::peek(std::size_t of_user) const {
  return static_cast<std::uint64_t>(::ptrace(PTRACE_PEEKUSER, pid_, of_user, nullptr));
}

void Victim::poke(std::size_t of_user, std::uint64_t value) const { ::ptrace(PTRACE_POKEUSER, pid_, of_user, value); }

std::uint64_t Victim::place() const { return peek(offsetof(user, regs.rip)); }

Victim::At Victim::step() {
  if (resume(PTRACE_SINGLESTEP) == Stop::gone) return At::strayed;
  return place() == end_place() ? At::end : At::place;
}

bool Victim::run_to(std::uint64_t place, std::size_t visits) {
  for (std::size_t visit = 1; run_to(place); ++visit) {
    if (visit == visits) return true;
    if (step() != At::place) return false;
  }
  return false;
}

bool Victim::run_to(std::uint64_t place) {
  constexpr std::uint64_t kByte = 0xff;
  constexpr std::uint64_t kBreakpoint = 0xcc;
  errno = 0;
  const auto word = static_cast<std::uint64_t>(::ptrace(PTRACE_PEEKTEXT, pid_, place, nullptr));
  if (errno != 0 || ::ptrace(PTRACE_POKETEXT, pid_, place, (word & ~kByte) | kBreakpoint) != 0) return false;
  const bool there = resume(PTRACE_CONT) == Stop::trapped && this->place() == place + 1;
  if (over_) return false;
  ::ptrace(PTRACE_POKETEXT, pid_, place, word);
  if (there) poke(offsetof(user, regs.rip), place);
  return there;
}

// From position `at` to `end`, all of one instruction that repeats itself, or the one behind its last time. The first
// step may have made several times at once, so what is left says where it stands.
Victim::At Victim::repeat(std::size_t at, std::size_t end, const Trace& trace) {
  const std::uint64_t here = place();
  const std::uint64_t before = peek(offsetof(user, regs.rcx));
  if (here != trace.places[at] || before == 0) return At::strayed;
  const std::uint64_t left = std::min<std::uint64_t>(trace.leaves[at] - end, before - 1);
  poke(offsetof(user, regs.rcx), before - left);
  if (!run_to(trace.places[trace.leaves[at]])) return At::strayed;
  if (left == 0) return At::place;
  poke(offsetof(user, regs.rip), here);
  poke(offsetof(user, regs.rcx), left);
  return At::place;
}

Victim::At Victim::advance(std::size_t k, const Trace* trace, const std::function<void()>& alive) {
  std::size_t at = 0;
  if (trace != nullptr && k < trace->places.size() && trace->anchors[k] > 1) {
    at = trace->anchors[k];
    if (!run_to(trace->places[at], trace->visits[at])) return At::strayed;
  }
  while (at < k) {
    alive();
    std::size_t next = at + 1;
    At now = At::place;
    if (trace != nullptr && at < trace->places.size() && trace->leaves[at] > next &&
        trace->leaves[at] < trace->places.size()) {
      next = std::min(k, trace->leaves[at]);
      now = repeat(at, next, *trace);
    } else {
      now = step();
    }
    if (now != At::place) return now;
    at = next;
  }
  return trace == nullptr || k >= trace->places.size() || place() == trace->places[k] ? At::place : At::strayed;
}

Trace Victim::record(const std::function<bool()>& look) {
  Trace trace;
  trace.add(place(), look());
  while (step() == At::place) trace.add(place(), look());
  trace.find_ways();
  return trace;
}

}  // namespace mqxx::crash
