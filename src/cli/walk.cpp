#include "cli/walk.hpp"

#include <algorithm>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/values.hpp"

namespace mqxx::cli {
namespace {

// Of a step. Many small ones: in a System V queue each step looks at all messages.
constexpr std::size_t kMostMessages = std::size_t{1} << 14U;
constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

/// "7", "5..9", "5..", "..9"
std::optional<Only> parse_only(const std::string& text) {
  constexpr std::string_view kTo = "..";
  const std::size_t to = text.find(kTo);
  const std::string low = text.substr(0, to);
  const std::string high = to == text.npos ? low : text.substr(to + kTo.size());
  if (low.empty() && high.empty()) return std::nullopt;
  const auto lowest = low.empty() ? std::uint64_t{0} : parse_number(low);
  const auto highest = high.empty() ? std::uint64_t{kMaxPriority} : parse_number(high);
  if (!lowest || !highest || *lowest > *highest || *highest > kMaxPriority) return std::nullopt;
  return Only{.lowest = static_cast<Priority>(*lowest), .highest = static_cast<Priority>(*highest), .text = text};
}

}  // namespace

void add_only(CLI::App& app, Only& only) {
  app.add_option_function<std::string>(
         "--only",
         [&only](const std::string& text) {
           std::optional<Only> parsed = parse_only(text);
           if (!parsed) {
             throw CLI::ValidationError(
                 "--only",
                 fmt::format("'{}' is no priority from 0 to {} and no range of them; write 7, 5..9, 5.. or ..9", text,
                             kMaxPriority));
           }
           only = std::move(*parsed);
         },
         "Only messages of this priority, or of a range: 7, 5..9, 5.., ..9")
      ->type_name("PRIORITY");
}

Walk::Walk(const Queue& queue, std::uint64_t most, const Only& only)
    : queue_(queue), left_(most), options_{.bytes = kMostBytes, .lowest = only.lowest, .highest = only.highest} {}

std::span<const Message> Walk::next() {
  messages_.clear();
  if (left_ == 0 && asked_) return {};
  // Also for none: a home that cannot show messages says so.
  options_.most = static_cast<std::size_t>(std::min<std::uint64_t>(kMostMessages, left_));
  messages_ = queue_.peek(cursor_, options_);
  asked_ = true;
  left_ -= messages_.size();
  return messages_;
}

}  // namespace mqxx::cli
