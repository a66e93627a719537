// There is none: what POSIX has without a path, a pipe or a pair of sockets, has two ends, and one of them alone cannot
// be made readable and then not writable.
#include "os/readiness.hpp"

#include <cerrno>

#include "base/error.hpp"

namespace mqxx::os {

Result<UniqueFd> make_readiness() noexcept { return failure_from_errno(ENOSYS); }
void set_readiness(int /*fd*/, Bell /*state*/) noexcept {}

}  // namespace mqxx::os
