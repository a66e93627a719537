// What messages look like, and which of them a survivor may find in which order.
#include <algorithm>
#include <cstring>

#include "operation.hpp"
#include "support/payload.hpp"

namespace mqxx::crash {

// Of several sizes, so that a length that belongs to another message shows.
std::size_t size_of(Tag tag, std::size_t message_size) {
  return std::max(message_size - static_cast<std::size_t>(tag % 5), sizeof tag);
}

std::vector<std::byte> message(Tag tag, std::size_t message_size) {
  std::vector<std::byte> bytes(size_of(tag, message_size));
  std::memcpy(bytes.data(), &tag, sizeof tag);
  test::fill_pattern(std::span(bytes).subspan(sizeof tag), tag);
  return bytes;
}

Priority priority_of(Tag tag, bool one_priority) { return one_priority ? 1 : 1 + static_cast<Priority>(tag % 3); }

bool read_tag(std::span<const std::byte> bytes, std::size_t message_size, Tag& tag) {
  if (bytes.size() < sizeof tag) return false;
  std::memcpy(&tag, bytes.data(), sizeof tag);
  return bytes.size() == size_of(tag, message_size) && test::is_pattern(bytes.subspan(sizeof tag), tag);
}

namespace {

std::string text_of(const std::vector<Tag>& tags) {
  std::string text;
  for (const Tag tag : tags) text += (text.empty() ? "" : " ") + std::to_string(tag);
  return "[" + text + "]";
}

/// What the calls may have sent: of each a beginning.
std::vector<std::vector<Sent>> possible(const Effect& effect) {
  std::vector<std::vector<Sent>> all(1);
  for (const std::vector<Sent>& call : effect.sends) {
    std::vector<std::vector<Sent>> longer;
    for (const std::vector<Sent>& base : all) {
      for (std::size_t count = 0; count <= call.size(); ++count) {
        longer.push_back(base);
        longer.back().insert(longer.back().end(), call.begin(), call.begin() + static_cast<std::ptrdiff_t>(count));
      }
    }
    all = std::move(longer);
  }
  return all;
}

void put_in_order(std::vector<Sent>& sent) {
  std::stable_sort(sent.begin(), sent.end(), [](const Sent& a, const Sent& b) { return a.priority > b.priority; });
}

/// Takes the first away. @return its tag
Tag take(std::vector<Sent>& sent) {
  const Tag tag = sent.front().tag;
  sent.erase(sent.begin());
  return tag;
}

bool is_victims(Tag tag) { return tag >= kVictims && tag < kFillers; }

/// The same messages in the same order; but each of a dead sender may come late, as if it had been sent a moment later:
/// a receiver has a lock of its own, and finds out when it looks at the senders' side.
bool in_order(const std::vector<Sent>& expected, const std::vector<Tag>& found) {
  if (expected.size() != found.size()) return false;
  std::vector<std::size_t> ranks;
  for (const Tag tag : found) {
    const auto at = std::find_if(expected.begin(), expected.end(), [&](const Sent& one) { return one.tag == tag; });
    if (at == expected.end()) return false;
    ranks.push_back(static_cast<std::size_t>(at - expected.begin()));
  }
  for (std::size_t later = 0; later < ranks.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      if (ranks[later] == ranks[earlier]) return false;
      if (ranks[later] > ranks[earlier]) continue;
      const bool both = is_victims(found[later]) && is_victims(found[earlier]);
      const bool one_priority = expected[ranks[later]].priority == expected[ranks[earlier]].priority;
      if (!is_victims(found[later]) || (both && one_priority)) return false;
    }
  }
  return true;
}

/// Whether `found` is `expected`, when of what was taken the last few may have come back, to anywhere.
bool fits(const std::vector<Sent>& expected, const std::vector<Tag>& taken, std::size_t late, std::vector<Tag> found) {
  if (in_order(expected, found)) return true;
  for (std::size_t back = 1; back <= std::min(late, taken.size()); ++back) {
    const auto returned = std::find(found.begin(), found.end(), taken[taken.size() - back]);
    if (returned == found.end()) return false;
    found.erase(returned);
    if (in_order(expected, found)) return true;
  }
  return false;
}

}  // namespace

std::string judge(const Setting& setting, const Effect& effect, const std::vector<Tag>& found) {
  std::vector<Sent> queued;
  for (Tag tag = 0; tag < setting.queued; ++tag) queued.push_back({tag, priority_of(tag, setting.one_priority)});
  put_in_order(queued);
  for (const std::vector<Sent>& sent : possible(effect)) {
    for (std::size_t takes = 0; takes <= effect.takes; ++takes) {
      std::vector<Sent> expected = queued;
      std::vector<Tag> taken;
      while (effect.takes_first && taken.size() < takes && !expected.empty()) taken.push_back(take(expected));
      expected.insert(expected.end(), sent.begin(), sent.end());
      put_in_order(expected);
      while (!effect.takes_first && taken.size() < takes && !expected.empty()) taken.push_back(take(expected));
      if (fits(expected, taken, effect.late, found)) return {};
    }
  }
  return "lost, doubled or out of order: " + text_of(found);
}

}  // namespace mqxx::crash
