#include "cli/progress.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/output.hpp"

namespace mqxx::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{300};  // what is done by then needs no line
constexpr std::size_t kUsualColumns = 80;
constexpr std::size_t kShortestBar = 10;
constexpr std::size_t kLongestBar = 40;

std::size_t columns_of_terminal() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsualColumns;
}

/// "950", "12.3 k", "2.10 M"
std::string rate_text(double rate) {
  constexpr double kThousand = 1e3;
  constexpr double kMillion = 1e6;
  if (rate < kThousand) return fmt::format("{:.0f}", rate);
  if (rate < kMillion) return fmt::format("{:.1f} k", rate / kThousand);
  return fmt::format("{:.2f} M", rate / kMillion);
}

/// "0:07", "12:40", "3:00:05"
std::string time_text(double seconds) {
  constexpr std::uint64_t kMinute = 60;
  constexpr std::uint64_t kHour = 60 * kMinute;
  const auto whole = static_cast<std::uint64_t>(std::ceil(seconds));
  if (whole < kHour) return fmt::format("{}:{:02}", whole / kMinute, whole % kMinute);
  return fmt::format("{}:{:02}:{:02}", whole / kHour, whole % kHour / kMinute, whole % kMinute);
}

}  // namespace

std::string progress_line(const ProgressFacts& facts) {
  constexpr double kHundred = 100;
  constexpr double kLongest = 359999;  // seconds: 99:59:59
  const double seconds = std::max(facts.passed.count(), 1e-3);
  std::string counted =
      fmt::format("{} messages  {}/s", facts.messages, rate_text(static_cast<double>(facts.messages) / seconds));
  if (!facts.waits_for.empty()) {
    counted += fmt::format("  {} passed, waits for {}", time_text(std::floor(seconds)), facts.waits_for);
  }
  std::string line;
  if (facts.total == 0) {
    line = fmt::format("{}  {}", facts.title, counted);
  } else {
    const double share = std::min(static_cast<double>(facts.done) / static_cast<double>(facts.total), 1.0);
    const double left = share > 0 ? std::min(seconds / share - seconds, kLongest) : kLongest;
    const std::string facts_text = fmt::format("{:3.0f} %  {}", std::floor(kHundred * share), counted) +
                                   (facts.waits_for.empty() ? fmt::format("  {} left", time_text(left)) : "");
    const std::size_t taken = facts.title.size() + facts_text.size() + 7;  // blanks, brackets, the last column
    const std::size_t bar = facts.columns > taken ? std::min(facts.columns - taken, kLongestBar) : 0;
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(bar));
    line = facts.title + "  ";
    if (bar >= kShortestBar) line += fmt::format("[{:=<{}}{:<{}}]  ", "", filled, "", bar - filled);
    line += facts_text;
  }
  // One column stays free, where some terminals would begin a new line.
  return line.substr(0, std::max<std::size_t>(facts.columns, 2) - 1);
}

Progress::Progress(const std::string& title, bool shown)
    : title_(printable(title)),
      shown_(shown && !is_quiet() && ::isatty(STDERR_FILENO) == 1),
      next_(started_ + kPatience) {}

Progress::~Progress() {
  if (written_) write_error("\r\033[K");
}

void Progress::show(std::uint64_t messages) {
  messages_ = std::max(messages_, messages);
  if (shown_) redraw({});
}

void Progress::show(std::uint64_t messages, std::uint64_t bytes) {
  bytes_ = bytes;
  show(messages);
}

void Progress::redraw(std::string_view waits_for) {
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + kPause;
  written_ = true;
  const std::string line = progress_line({.title = title_,
                                          .messages = messages_,
                                          .done = by_bytes_ ? bytes_ : messages_,
                                          .total = total_,
                                          .passed = now - started_,
                                          .columns = columns_of_terminal(),
                                          .waits_for = waits_for});
  write_error("\r" + line + "\033[K");
}

}  // namespace mqxx::cli
