// There is none: POSIX tells of signals in handlers and in threads that wait for nothing else.
#include "os/signal_source.hpp"

namespace mqxx::os {

Result<SignalSource> SignalSource::make() noexcept { return Errc::unsupported; }

Result<void> SignalSource::set_mask() noexcept { return Errc::unsupported; }
Result<void> SignalSource::add(int signal) noexcept {
  added_[static_cast<std::size_t>(signal)] = false;
  return set_mask();
}
void SignalSource::remove(int signal) noexcept { blocker_[static_cast<std::size_t>(signal)] = 0; }
std::optional<SignalInfo> SignalSource::take() noexcept { return std::nullopt; }

}  // namespace mqxx::os
