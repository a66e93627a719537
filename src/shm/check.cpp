#include "shm/check.hpp"

#include <algorithm>
#include <new>

#include "os/process.hpp"

namespace mqxx::shm {
namespace {

class Checker {
 public:
  Checker(Queue& queue, std::vector<Broken>& findings)
      : queue_(queue),
        s_(queue.segment()),
        g_(s_.geometry()),
        findings_(findings),
        used_(std::min(s_.sender().fresh.get(), g_.capacity)),
        seen_(used_, 0) {}

  void run() {
    check_reserved();
    check_arrived();
    check_index();
    check_free_list(s_.sender().free_head.get(), "senders' free list");
    check_free_list(s_.receiver().free_head.get(), "overflow list");
    check_returned();
    check_slots();
    check_users();
    check_watch();
  }

 private:
  void broken(const char* invariant, std::string text) {
    if (findings_.size() < kMostFindings) findings_.push_back({invariant, std::move(text)});
  }

  [[nodiscard]] SlotState state_of(std::uint32_t slot) const {
    return static_cast<SlotState>(mark_state(s_.slot(slot).mark.get()));
  }

  // One place that a slot may stand in; says so when it stands in two, or is not in the state that belongs there.
  bool visit(const char* invariant, std::uint32_t slot, SlotState wanted, const std::string& where) {
    if (slot >= used_) {
      broken(invariant,
             where + " names slot " + std::to_string(slot) + ", beyond the " + std::to_string(used_) + " in use");
      return false;
    }
    if (state_of(slot) != wanted) {
      broken(invariant, where + " holds slot " + std::to_string(slot) + " in state " +
                            std::to_string(mark_state(s_.slot(slot).mark.get())));
    }
    if (seen_[slot]++ != 0) {
      broken(invariant, where + " holds slot " + std::to_string(slot) + ", which stands elsewhere too");
      return false;
    }
    return true;
  }

  void check_reserved() {
    const SenderSide& side = s_.sender();
    if (side.fresh.get() > g_.capacity) broken("I2", "fresh is " + std::to_string(side.fresh.get()));
    const auto within = [](std::uint64_t value, std::uint64_t begin, std::uint64_t end) {
      return begin <= value && value <= end;
    };
    if (!within(side.next_reserved.get(), g_.next, g_.users) ||
        !within(side.slots_reserved.get(), g_.slots, g_.slots_end) ||
        !within(side.users_reserved.get(), g_.users, g_.index)) {
      broken("I10", "a reserve watermark lies outside its region");
    }
    if (g_.next + used_ * sizeof(std::uint32_t) > side.next_reserved.get())
      broken("I10", "links in use are not reserved");
    if (!g_.sparse && s_.slot_offset(used_) > side.slots_reserved.get()) broken("I10", "slots in use are not reserved");
  }

  void check_arrived() {
    const std::uint64_t head = s_.receiver().arrived_head.get();
    const std::uint64_t tail = s_.sender().arrived_tail.get();
    const std::uint64_t run_end = s_.receiver().run_end.get();
    if (tail - head > g_.ring_entries)
      return broken("I3", "the arrived ring's ends are " + std::to_string(tail - head) + " apart");
    if (run_end < head || run_end > tail) broken("I6", "the run ends outside the arrived ring");
    if (run_end > head && s_.receiver().indexed.get() != 0) broken("I6", "there are a run and an index");
    for (std::uint64_t at = head; at != tail; ++at) {
      RingEntry entry{};
      if (!s_.arrived().read(at, entry)) {
        broken("I3", "arrived entry " + std::to_string(at) + " is not written");
        continue;
      }
      if (at < run_end && entry.priority() != s_.receiver().run_priority.get())
        broken("I6", "a run of mixed priorities");
      if (visit("I3", entry.slot(), SlotState::queued, "the arrived ring") &&
          entry.priority() != s_.slot(entry.slot()).priority.get()) {
        broken("I6", "arrived entry and slot " + std::to_string(entry.slot()) + " differ in priority");
      }
      ++queued_;
    }
    RingEntry beyond{};
    if (tail - head < g_.ring_entries && s_.arrived().read(tail, beyond))
      broken("I3", "an arrived entry stands behind the tail");
  }

  void check_list(Priority priority, std::uint32_t tail) {
    const std::string where = "the list of priority " + std::to_string(priority);
    std::uint32_t slot = tail;
    std::uint64_t before = 0;
    for (std::uint32_t steps = 0; steps < used_; ++steps) {
      if (slot >= used_) return broken("I3", where + " names slot " + std::to_string(slot));
      slot = s_.next(slot).get();
      if (!visit("I3", slot, SlotState::queued, where)) return;
      ++indexed_;
      const SlotHeader& header = s_.slot(slot);
      if (header.priority.get() != priority)
        broken("I6", where + " holds priority " + std::to_string(header.priority.get()));
      if (steps != 0 && header.sequence.get() <= before) broken("I6", where + " is out of order");
      before = header.sequence.get();
      if (slot == tail) return;
    }
    broken("I3", where + " has no end");
  }

  void check_index() {
    for (std::uint32_t number = 0; number < kIndexPages; ++number) {
      const bool top = (s_.receiver().top.get() >> number & 1U) != 0;
      if ((s_.sender().index_pages.get() >> number & 1U) == 0) {
        if (top) broken("I10", "index page " + std::to_string(number) + " is in use and not reserved");
        continue;
      }
      const IndexPage& page = s_.index_page(number);
      if (top != (page.summary.get() != 0)) broken("I5", "top bit " + std::to_string(number));
      for (std::uint32_t within = 0; within < kPagePriorities; ++within) {
        const std::uint32_t stored = page.tails[within].get();
        const std::uint64_t word = page.words[within / 64].get();
        const bool bit = (word >> within % 64 & 1U) != 0;
        const bool summary = (page.summary.get() >> within / 64 & 1U) != 0;
        const Priority priority = number * kPagePriorities + within;
        if (bit != (stored != 0) || summary != (word != 0))
          broken("I5", "bits of priority " + std::to_string(priority));
        if (stored != 0) check_list(priority, stored - 1);
      }
    }
    if (indexed_ != s_.receiver().indexed.get()) {
      broken("I3", "the index counts " + std::to_string(s_.receiver().indexed.get()) + " and holds " +
                       std::to_string(indexed_));
    }
  }

  void check_free_list(std::uint32_t slot, const std::string& where) {
    while (slot != kNoSlot) {
      if (!visit("I4", slot, SlotState::free, "the " + where)) return;
      slot = s_.next(slot).get();
    }
  }

  void check_returned() {
    const std::uint64_t head = s_.sender().returned_head.get();
    const std::uint64_t tail = s_.receiver().returned_tail.get();
    if (tail - head > g_.ring_entries)
      return broken("I4", "the returned ring's ends are " + std::to_string(tail - head) + " apart");
    for (std::uint64_t at = head; at != tail; ++at) {
      RingEntry entry{};
      if (s_.returned().read(at, entry)) {
        visit("I4", entry.slot(), SlotState::free, "the returned ring");
      } else {
        broken("I4", "returned entry " + std::to_string(at) + " is not written");
      }
    }
  }

  void check_slots() {
    for (std::uint32_t slot = 0; slot < used_ && queue_.intact(); ++slot) {
      const SlotHeader& header = s_.slot(slot);
      const std::uint32_t state = mark_state(header.mark.get());
      const std::string name = "slot " + std::to_string(slot);
      if (state > static_cast<std::uint32_t>(SlotState::reading)) {
        broken("I2", name + " is in state " + std::to_string(state));
        continue;
      }
      const bool holds = state_of(slot) == SlotState::queued || state_of(slot) == SlotState::reading;
      if (holds && header.length.get() > g_.message_size)
        broken("I8", name + " is " + std::to_string(header.length.get()) + " long");
      if (holds && g_.sparse && sizeof(SlotHeader) + header.length.get() > header.reserved_bytes.get()) {
        broken("I10", name + " holds more than is reserved");
      }
      if (state_of(slot) == SlotState::queued && seen_[slot] == 0) broken("I3", name + " is queued and stands nowhere");
      if (state_of(slot) == SlotState::free && seen_[slot] == 0) broken("I4", name + " is free and stands nowhere");
      if (state_of(slot) == SlotState::free) ++free_;
      if (state_of(slot) == SlotState::writing) ++writing_;
      if (state_of(slot) == SlotState::reading) ++reading_;
      const bool owned = state_of(slot) == SlotState::writing || state_of(slot) == SlotState::reading;
      if (owned && mark_user(header.mark.get()) >= s_.sender().user_count.get()) broken("I9", name + " has no owner");
    }
    const std::uint64_t depth = s_.sender().sent.get() - s_.receiver().received.get();
    if (depth != queued_ + indexed_) {
      broken("I7",
             "sent less received is " + std::to_string(depth) + ", queued are " + std::to_string(queued_ + indexed_));
    }
  }

  void check_users() {
    std::uint64_t writing = 0;
    std::uint64_t reading = 0;
    const std::uint32_t count = s_.sender().user_count.get();
    if (count > kMaxUsers) return broken("I9", "more users than fit");
    for (std::uint32_t number = 0; number < count; ++number) {
      writing += s_.user(number).writing.get();
      reading += s_.user(number).reading.get();
    }
    if (writing != writing_ || writing != s_.sender().writing.get()) broken("I9", "slots being written are miscounted");
    if (reading != reading_ || reading != s_.receiver().reading.get()) broken("I9", "slots being read are miscounted");
  }

  // I11, which are W1 and W2 of watch.cpp.
  void check_watch() {
    const Watch& watch = s_.header().watch;
    std::uint64_t polls = 0;
    std::uint64_t edges = 0;
    bool somebody = false;  // alive: the bell of the dead is forgotten, or nobody's care
    const std::uint32_t count = std::min(s_.sender().user_count.get(), kMaxUsers);
    for (std::uint32_t number = 0; number < count; ++number) {
      const User& user = s_.user(number);
      polls += user.polls.get();
      edges += user.edges.get();
      if (user.polls.get() == 0) continue;
      somebody = somebody || user.pid.get() == os::process_id() || os::claimed_elsewhere(s_.fd(), number);
    }
    if (polls != watch.pollers.get() || edges != watch.edges.get()) broken("I11", "pollers are miscounted");
    const bool registered = watch.kind.get() != static_cast<std::uint32_t>(Notice::none);
    if (s_.header().common.watched.get() != watch.pollers.get() + (registered ? 1 : 0)) {
      broken("I11", "watched is " + std::to_string(s_.header().common.watched.get()) + " with " +
                        std::to_string(watch.pollers.get()) + " pollers and " + (registered ? "a" : "no") +
                        " registration");
    }
    if (!somebody || watch.pollers.get() == 0) return;
    const auto said = static_cast<os::Bell>(watch.bell.get());
    if (said != bell_now()) broken("I11", "the doorbell is thought to say something else than the queue is");
    const int bell = queue_.bell();
    if (bell >= 0 && os::bell_state(bell) != said) broken("I11", "the doorbell says something else than is thought");
  }

  [[nodiscard]] os::Bell bell_now() const {
    if (queued_ + indexed_ == 0) return os::Bell::empty;
    const bool room = used_ < g_.capacity || free_ != 0;
    return room ? os::Bell::some : os::Bell::full;
  }

  Queue& queue_;
  const Segment& s_;
  const Geometry& g_;
  std::vector<Broken>& findings_;
  std::uint32_t used_;
  std::vector<std::uint8_t> seen_;  // how often each slot stands somewhere
  std::uint64_t queued_ = 0;        // in the arrived ring
  std::uint64_t indexed_ = 0;
  std::uint64_t free_ = 0;
  std::uint64_t writing_ = 0;
  std::uint64_t reading_ = 0;
};

}  // namespace

Result<std::vector<Broken>> check(Queue& queue) noexcept {
  std::vector<Broken> findings;
  bool memory = true;
  const Result<void> held = queue.hold([&]() noexcept {
    try {
      Checker(queue, findings).run();
    } catch (const std::bad_alloc&) {
      memory = false;
    }
  });
  if (!held) return held.failure();
  if (!memory) return Errc::no_memory;
  return findings;
}

}  // namespace mqxx::shm
