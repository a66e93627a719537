#include "cli/look/board.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "cli/output.hpp"

namespace mqxx::cli {
namespace {

constexpr std::array kOrders{Order::name, Order::depth, Order::full, Order::sent, Order::received};
constexpr int kNumbers = 59;  // columns of all that stands behind the name, but for the history

double full_of(const QueueInfo& info) {
  if (info.most_bytes != 0) return static_cast<double>(info.queued_bytes) / static_cast<double>(info.most_bytes);
  if (info.attributes.capacity == 0) return 0;
  return static_cast<double>(info.attributes.depth) / static_cast<double>(info.attributes.capacity);
}

double rank(const Sampled& queue, Order order) {
  switch (order) {
    case Order::depth: return static_cast<double>(queue.info.attributes.depth);
    case Order::full: return full_of(queue.info);
    case Order::sent: return queue.sent_per_second.value_or(-1);
    case Order::received: return queue.received_per_second.value_or(-1);
    default: return 0;
  }
}

/// "950", "1.2k", "3.4M": four places at most.
std::string rate_text(const std::optional<double>& rate) {
  if (!rate) return "-";
  constexpr double kKilo = 1000;
  double value = *rate;
  for (const char* unit : {"", "k", "M"}) {
    if (value < kKilo)
      return *unit == '\0' || value >= 100 ? fmt::format("{:.0f}{}", value, unit)
                                           : fmt::format("{:.1f}{}", value, unit);
    value /= kKilo;
  }
  return fmt::format("{:.1f}G", value);
}

/// The depths as bars beside each other, the greatest of them as high as a line.
std::string history_text(const std::deque<std::size_t>& depths, bool blocks) {
  constexpr std::array<const char*, 9> kBlocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<const char*, 9> kLetters{" ", ".", ".", ":", ":", "=", "=", "#", "#"};
  const auto& steps = blocks ? kBlocks : kLetters;
  const std::size_t greatest = depths.empty() ? 0 : *std::ranges::max_element(depths);
  std::string text(kHistory - std::min(kHistory, depths.size()), ' ');
  for (const std::size_t depth : depths) {
    const std::size_t most = steps.size() - 1;
    text += steps[greatest == 0 ? 0 : (depth * most + greatest - 1) / greatest];
  }
  return text;
}

std::string numbers_of(const Sampled& queue) {
  const QueueInfo& info = queue.info;
  const Statistics& statistics = info.statistics;
  const auto counted = [&info](std::size_t number) { return info.counted ? std::to_string(number) : "-"; };
  return fmt::format("{:>9} {:>9} {:>4.0f}% {:>7} {:>7} {:>7} {:>9}", info.attributes.depth, info.attributes.capacity,
                     full_of(info) * 100, rate_text(queue.sent_per_second), rate_text(queue.received_per_second),
                     counted(statistics.waiting_senders), counted(statistics.waiting_receivers));
}

std::string numbers_heading() {
  return fmt::format("{:>9} {:>9} {:>5} {:>7} {:>7} {:>7} {:>9}", "DEPTH", "CAPACITY", "FULL", "SENT/s", "RECV/s",
                     "SENDERS", "RECEIVERS");
}

/// Exactly so many characters; a name that is longer loses its middle.
std::string fitted(const std::string& name, std::size_t width) {
  if (name.size() <= width) return fmt::format("{:<{}}", name, width);
  const std::size_t half = (width - 2) / 2;
  return name.substr(0, width - 2 - half) + ".." + name.substr(name.size() - half);
}

struct Widths {
  std::size_t name = 0;
  bool history = false;
};

/// The history goes where there is no room for it and for names.
Widths widths_for(int width) {
  constexpr int kShortName = 12;
  const int beside = kNumbers + 1;
  const bool history = width >= kShortName + beside + 1 + static_cast<int>(kHistory);
  const int left = width - beside - (history ? 1 + static_cast<int>(kHistory) : 0);
  return {static_cast<std::size_t>(std::max(left, 2)), history};
}

Line row_of(const Sampled& queue, const Widths& widths, bool blocks) {
  const std::string name = fitted(printable(queue.info.name), widths.name);
  if (queue.info.error) return {fmt::format("{} ({})", name, queue.info.error.message()), Look::warning};
  std::string text = name + ' ' + numbers_of(queue);
  if (widths.history) text += ' ' + history_text(queue.depths, blocks);
  return {std::move(text), full_of(queue.info) >= 1 ? Look::warning : Look::plain};
}

Line summary_of(const std::vector<Sampled>& queues, const View& view, std::size_t shown) {
  std::size_t messages = 0;
  double sent = 0;
  double received = 0;
  for (const Sampled& queue : queues) {
    messages += queue.info.attributes.depth;
    sent += queue.sent_per_second.value_or(0);
    received += queue.received_per_second.value_or(0);
  }
  std::string text =
      fmt::format("{} {}, {} messages, {} sent/s, {} received/s", queues.size(),
                  queues.size() == 1 ? "queue" : "queues", messages, rate_text(sent), rate_text(received));
  text += fmt::format("   by {}{}", word_of(view.order), view.reversed ? ", reversed" : "");
  if (!view.filter.empty()) text += fmt::format("   /{} ({} shown)", view.filter, shown);
  if (view.paused) text += "   PAUSED";
  return {std::move(text), Look::plain};
}

Line keys_of(const View& view) {
  if (view.typing) return {fmt::format("filter: {}_", view.filter), Look::plain};
  return {"q quit  s sort  r reverse  / filter  space pause  + - interval  h help", Look::dim};
}

std::vector<Line> help_of(const View& view) {
  std::vector<Line> lines;
  lines.push_back({fmt::format("It looks every {} ms. Any key goes back.", view.interval.count()), Look::dim});
  for (const char* text : {"q, Ctrl-C   quit", "s           sort by name, depth, how full, sent, received",
                           "r           reverse the order",
                           "/           show only queues with these letters in their name; Enter or Escape ends it",
                           "space, p    pause and go on", "+, -        look less often, more often",
                           "up, down    scroll", "h, ?        this help"}) {
    lines.push_back({text, Look::plain});
  }
  return lines;
}

}  // namespace

const char* word_of(Order order) {
  switch (order) {
    case Order::depth: return "depth";
    case Order::full: return "full";
    case Order::sent: return "sent";
    case Order::received: return "received";
    default: return "name";
  }
}

Order next_order(Order order) {
  const auto* const at = std::ranges::find(kOrders, order);
  return at + 1 == kOrders.end() ? kOrders.front() : *(at + 1);
}

std::vector<const Sampled*> chosen(const std::vector<Sampled>& queues, const View& view) {
  std::vector<const Sampled*> rows;
  for (const Sampled& queue : queues) {
    if (queue.info.name.find(view.filter) != std::string::npos) rows.push_back(&queue);
  }
  // Names rise, numbers fall: what is asked for is at the top.
  std::ranges::stable_sort(
      rows, [&view](const Sampled* a, const Sampled* b) { return rank(*a, view.order) > rank(*b, view.order); });
  if (view.reversed) std::ranges::reverse(rows);
  return rows;
}

std::vector<Line> board_of(const std::vector<Sampled>& queues, const View& view, Size size, bool blocks) {
  if (size.width < kLeastWidth || size.height < kLeastHeight) {
    return {{fmt::format("{} x {} is too small", size.width, size.height), Look::plain},
            {fmt::format("{} x {} is enough; q quits", kLeastWidth, kLeastHeight), Look::plain}};
  }
  if (view.help) return help_of(view);
  const std::vector<const Sampled*> rows = chosen(queues, view);
  const Widths widths = widths_for(size.width);
  std::vector<Line> lines{summary_of(queues, view, rows.size())};
  std::string heading = fitted("NAME", widths.name) + ' ' + numbers_heading();
  if (widths.history) heading += fmt::format(" {:<{}}", "DEPTH OVER TIME", kHistory);
  lines.push_back({std::move(heading), Look::heading});
  const std::size_t room = static_cast<std::size_t>(size.height) - 3;
  const std::size_t first = std::min(view.first, rows.size() - std::min(rows.size(), room));
  for (std::size_t i = first; i < std::min(rows.size(), first + room); ++i) {
    lines.push_back(row_of(*rows[i], widths, blocks));
  }
  if (rows.empty()) lines.push_back({queues.empty() ? "no queues" : "no queue has these letters", Look::dim});
  lines.resize(static_cast<std::size_t>(size.height) - 1);
  lines.push_back(keys_of(view));
  return lines;
}

std::string plain_headings() { return numbers_heading() + " NAME\n"; }

std::string plain_line(const Sampled& queue) {
  const std::string name = printable(queue.info.name);
  if (queue.info.error) return fmt::format("{:>{}} {} ({})\n", "", kNumbers, name, queue.info.error.message());
  return fmt::format("{} {}\n", numbers_of(queue), name);
}

}  // namespace mqxx::cli
