#include "backend/backend.hpp"

#include "backend/kernel.hpp"
#include "backend/shm.hpp"
#include "backend/sysv.hpp"

namespace mqxx::backend {

Result<std::shared_ptr<Backend>> open(const Address& address, Creation creation, const OpenOptions& options) noexcept {
  switch (address.home) {
    case Home::shm: return open_shm(address.name, creation, options);
    case Home::kernel: return open_kernel(address.name, creation, options);
    case Home::sysv: return open_sysv(address.name, creation, options);
  }
  return Errc::unsupported;
}

Result<void> unlink(const Address& address) noexcept {
  switch (address.home) {
    case Home::shm: return unlink_shm(address.name);
    case Home::kernel: return unlink_kernel(address.name);
    case Home::sysv: return unlink_sysv(address.name);
  }
  return Errc::unsupported;
}

Result<std::shared_ptr<Backend>> adopt(int descriptor) noexcept { return adopt_kernel(descriptor); }

}  // namespace mqxx::backend
