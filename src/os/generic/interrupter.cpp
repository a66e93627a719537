// There is none: POSIX raises a timer's signal in the process, and in which of its threads is the system's choice. The
// calls that would need one, those of System V queues, are refused here as well.
#include "os/interrupter.hpp"

#include <cerrno>

#include "base/error.hpp"

namespace mqxx::os {

void Interrupter::Strike::operator()() const noexcept {}

Interrupter::Interrupter(const Wait& /*wait*/) noexcept : ready_(failure_from_errno(ENOSYS)) {}
Interrupter::~Interrupter() = default;

bool Interrupter::struck() noexcept { return false; }

}  // namespace mqxx::os
