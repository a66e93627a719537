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

// The highest priority below `limit` that has a message. REQUIRES: there is a message at all.
Result<Index::Place> Index::highest_below(std::uint32_t limit) const noexcept {
  const std::uint32_t page_limit = limit / kPagePriorities;
  const std::uint32_t within = limit % kPagePriorities;
  if (within != 0) {  // the page that the limit cuts
    IndexPage& page = segment_.index_page(page_limit);
    const bool reserved = (side_.top.get() >> page_limit & 1U) != 0;
    for (std::uint32_t word = within / kWordBits + 1; reserved && word-- > 0;) {
      std::uint64_t bits = page.words[word].get();
      if (word == within / kWordBits) bits &= bits_below(within % kWordBits);
      if (bits != 0) return Place{&page, page_limit, word, highest_bit(bits)};
    }
  }
  const std::uint64_t pages = side_.top.get() & bits_below(page_limit);
  if (pages == 0) return Place{};
  const std::uint32_t number = highest_bit(pages);
  IndexPage& page = segment_.index_page(number);
  const std::uint64_t summary = page.summary.get() & bits_below(kPageWords);
  if (summary == 0) return Errc::queue_damaged;
  const std::uint32_t word = highest_bit(summary);
  const std::uint64_t bits = page.words[word].get();
  if (bits == 0) return Errc::queue_damaged;
  return Place{&page, number, word, highest_bit(bits)};
}

Result<std::uint32_t> Index::tail_of(const Place& place) const noexcept {
  const std::uint32_t tail = place.tail().get() - 1;
  if (tail >= segment_.geometry().capacity) return Errc::queue_damaged;
  return tail;
}

Result<std::uint32_t> Index::next_of(std::uint32_t slot) const noexcept {
  const std::uint32_t next = segment_.next(slot).get();
  if (next >= segment_.geometry().capacity) return Errc::queue_damaged;
  return next;
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

Result<void> Index::push_back(Priority priority, std::uint32_t slot) noexcept {
  const Place place = place_of(priority);
  const std::uint32_t stored = place.tail().get();
  if (stored == 0) {
    segment_.next(slot).set(slot);
    mark(place);
  } else {
    const std::uint32_t tail = stored - 1;
    if (tail >= segment_.geometry().capacity) return Errc::queue_damaged;
    segment_.next(slot).set(segment_.next(tail).get());
    segment_.next(tail).set(slot);
  }
  place.tail().set(slot + 1);
  side_.indexed.add(1);
  return {};
}

Result<void> Index::insert(Priority priority, std::uint32_t slot) noexcept {
  const Place place = place_of(priority);
  if (place.tail().get() == 0) return push_back(priority, slot);
  const Result<std::uint32_t> tail = tail_of(place);
  if (!tail) return tail.failure();
  const std::uint64_t sequence = segment_.slot(slot).sequence.get();
  if (segment_.slot(*tail).sequence.get() < sequence) return push_back(priority, slot);
  // Before the first that is younger: the tail is, so the walk ends there at the latest.
  std::uint32_t before = *tail;
  for (std::uint32_t steps = 0; steps <= segment_.geometry().capacity; ++steps) {
    const Result<std::uint32_t> next = next_of(before);
    if (!next) return next.failure();
    if (segment_.slot(*next).sequence.get() > sequence) {
      segment_.next(slot).set(*next);
      segment_.next(before).set(slot);
      side_.indexed.add(1);
      return {};
    }
    before = *next;
  }
  return Errc::queue_damaged;
}

Result<std::uint32_t> Index::front() const noexcept {
  if (empty()) return kNoSlot;
  const Result<Place> place = highest_below(kMaxPriority + 1);
  if (!place) return place.failure();
  if (place->page == nullptr) return Errc::queue_damaged;
  const Result<std::uint32_t> tail = tail_of(*place);
  if (!tail) return tail.failure();
  return next_of(*tail);
}

Result<std::uint32_t> Index::pop_front() noexcept {
  if (empty()) return kNoSlot;
  const Result<Place> place = highest_below(kMaxPriority + 1);
  if (!place) return place.failure();
  if (place->page == nullptr) return Errc::queue_damaged;
  const Result<std::uint32_t> tail = tail_of(*place);
  if (!tail) return tail.failure();
  const Result<std::uint32_t> head = next_of(*tail);
  if (!head) return head.failure();
  if (*head == *tail) {
    place->tail().set(0);
    unmark(*place);
  } else {
    segment_.next(*tail).set(segment_.next(*head).get());
  }
  side_.indexed.add(static_cast<std::uint32_t>(-1));
  return *head;
}

Result<std::uint32_t> Index::after(Priority priority, std::uint32_t slot) const noexcept {
  const Result<std::uint32_t> tail = tail_of(place_of(priority));
  if (!tail) return tail.failure();
  if (*tail != slot) return next_of(slot);
  const Result<Place> lower = highest_below(priority);
  if (!lower) return lower.failure();
  if (lower->page == nullptr) return kNoSlot;
  const Result<std::uint32_t> lower_tail = tail_of(*lower);
  if (!lower_tail) return lower_tail.failure();
  return next_of(*lower_tail);
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
