// A moment in local time, as lsipc(1) writes it.
#include <chrono>
#include <ctime>

#include <fmt/chrono.h>

#include "cli/look/columns.hpp"

namespace mqxx::cli {

std::string time_text(Statistics::Time when, Statistics::Time now, TimeFormat format) {
  if (when == Statistics::Time{}) return "-";
  const std::tm time = fmt::localtime(std::chrono::system_clock::to_time_t(when));
  if (format == TimeFormat::full) return fmt::format("{:%a %b %d %H:%M:%S %Y}", time);
  if (format == TimeFormat::iso) return fmt::format("{:%Y-%m-%dT%H:%M:%S%z}", time);
  const std::tm today = fmt::localtime(std::chrono::system_clock::to_time_t(now));
  const bool is_today = time.tm_year == today.tm_year && time.tm_yday == today.tm_yday;
  return is_today ? fmt::format("{:%H:%M}", time) : fmt::format("{:%Y-%m-%d}", time);
}

}  // namespace mqxx::cli
