#include "shm/index.hpp"

#include <bit>

namespace mqxx::shm {
namespace {

constexpr std::uint32_t kWordBits = 64;
constexpr std::uint32_t kPageWords = kPagePriorities / kWordBits;

std::uint32_t highest_bit(std::uint64_t bits) noexcept {
  return kWordBits - 1 - static_cast<std::uint32_t>(std::countl_zero(bits));
}
std::uint64_t bits_below(std::uint32_t bit) noexcept {
  return bit >= kWordBits ? ~std::uint64_t{0} : (std::uint64_t{1} << bit) - 1;
}

}  // namespace

Index::Place Index::place_of(Priority priority) const noexcept {
  const std::uint32_t number = priority / kPagePriorities;
  const std::uint32_t within = priority % kPagePriorities;
  return {&segment_.index_page(number), number, within / kWordBits, within % kWordBits};
}

// The highest priority below `limit` that has a message; nowhere when there is none. false: damaged.
bool Index::highest_below(std::uint32_t limit, Place& place) const noexcept {
  const std::uint32_t page_limit = limit / kPagePriorities;
  const std::uint32_t within = limit % kPagePriorities;
  if (within != 0 && (side_.top.get() >> page_limit & 1U) != 0) {  // the page that the limit cuts
    IndexPage& page = segment_.index_page(page_limit);
    for (std::uint32_t word = within / kWordBits + 1; word-- > 0;) {
      std::uint64_t bits = page.words[word].get();
      if (word == within / kWordBits) bits &= bits_below(within % kWordBits);
      if (bits == 0) continue;
      place = {&page, page_limit, word, highest_bit(bits)};
      return true;
    }
  }
  const std::uint64_t pages = side_.top.get() & bits_below(page_limit);
  place = {};
  if (pages == 0) return true;
  const std::uint32_t number = highest_bit(pages);
  IndexPage& page = segment_.index_page(number);
  const std::uint64_t summary = page.summary.get() & bits_below(kPageWords);
  if (summary == 0) return false;
  const std::uint32_t word = highest_bit(summary);
  const std::uint64_t bits = page.words[word].get();
  if (bits == 0) return false;
  place = {&page, number, word, highest_bit(bits)};
  return true;
}

std::uint32_t Index::tail_of(const Place& place) const noexcept {
  const std::uint32_t tail = place.tail().get() - 1;
  return tail < segment_.geometry().capacity ? tail : kDamaged;
}

std::uint32_t Index::next_of(std::uint32_t slot) const noexcept {
  if (slot == kDamaged) return kDamaged;
  const std::uint32_t next = segment_.next(slot).get();
  return next < segment_.geometry().capacity ? next : kDamaged;
}

void Index::mark(const Place& place) noexcept {
  const std::uint64_t word = place.page->words[place.word].get();
  place.page->words[place.word].set(word | std::uint64_t{1} << place.bit);
  if (word != 0) return;
  const std::uint64_t summary = place.page->summary.get();
  place.page->summary.set(summary | std::uint64_t{1} << place.word);
  if (summary == 0) side_.top.set(side_.top.get() | std::uint64_t{1} << place.number);
}

void Index::unmark(const Place& place) noexcept {
  const std::uint64_t word = place.page->words[place.word].get() & ~(std::uint64_t{1} << place.bit);
  place.page->words[place.word].set(word);
  if (word != 0) return;
  const std::uint64_t summary = place.page->summary.get() & ~(std::uint64_t{1} << place.word);
  place.page->summary.set(summary);
  if (summary == 0) side_.top.set(side_.top.get() & ~(std::uint64_t{1} << place.number));
}

bool Index::push_back(Priority priority, std::uint32_t slot) noexcept {
  const Place place = place_of(priority);
  if (place.tail().get() == 0) {
    segment_.next(slot).set(slot);
    mark(place);
  } else {
    const std::uint32_t tail = tail_of(place);
    if (tail == kDamaged) return false;
    segment_.next(slot).set(segment_.next(tail).get());
    segment_.next(tail).set(slot);
  }
  place.tail().set(slot + 1);
  side_.indexed.add(1);
  return true;
}

bool Index::insert(Priority priority, std::uint32_t slot) noexcept {
  const Place place = place_of(priority);
  if (place.tail().get() == 0) return push_back(priority, slot);
  const std::uint32_t tail = tail_of(place);
  if (tail == kDamaged) return false;
  const std::uint64_t sequence = segment_.slot(slot).sequence.get();
  if (segment_.slot(tail).sequence.get() < sequence) return push_back(priority, slot);
  // Before the first that is younger: the tail is, so the walk ends there at the latest.
  std::uint32_t before = tail;
  for (std::uint32_t steps = 0; steps <= segment_.geometry().capacity; ++steps) {
    const std::uint32_t next = next_of(before);
    if (next == kDamaged) return false;
    if (segment_.slot(next).sequence.get() > sequence) {
      segment_.next(slot).set(next);
      segment_.next(before).set(slot);
      side_.indexed.add(1);
      return true;
    }
    before = next;
  }
  return false;
}

std::uint32_t Index::front() const noexcept {
  if (empty()) return kNoSlot;
  Place place;
  if (!highest_below(kMaxPriority + 1, place) || place.page == nullptr) return kDamaged;
  return next_of(tail_of(place));
}

std::uint32_t Index::front_below(std::uint32_t limit) const noexcept {
  Place place;
  if (!highest_below(limit, place)) return kDamaged;
  return place.page == nullptr ? kNoSlot : next_of(tail_of(place));
}

std::uint32_t Index::pop_front() noexcept {
  if (empty()) return kNoSlot;
  Place place;
  if (!highest_below(kMaxPriority + 1, place) || place.page == nullptr) return kDamaged;
  const std::uint32_t tail = tail_of(place);
  const std::uint32_t head = next_of(tail);
  if (head == kDamaged) return kDamaged;
  if (head == tail) {
    place.tail().set(0);
    unmark(place);
  } else {
    segment_.next(tail).set(segment_.next(head).get());
  }
  side_.indexed.add(static_cast<std::uint32_t>(-1));
  return head;
}

std::uint32_t Index::after(Priority priority, std::uint32_t slot) const noexcept {
  return tail_of(place_of(priority)) == slot ? front_below(priority) : next_of(slot);
}

void Index::clear() noexcept {
  const std::uint64_t reserved = segment_.sender().index_pages.get();
  for (std::uint32_t number = 0; number < kIndexPages; ++number) {
    if ((reserved >> number & 1U) == 0) continue;
    IndexPage& page = segment_.index_page(number);
    for (auto& word : page.words) word.set(0);
    page.summary.set(0);
    for (auto& tail : page.tails) tail.set(0);
  }
  side_.top.set(0);
  side_.indexed.set(0);
}

}  // namespace mqxx::shm
