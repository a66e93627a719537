#include "backend/backend.hpp"

#include "backend/shm.hpp"

namespace mqxx::backend {

Result<std::shared_ptr<Backend>> open(const Address& address, Creation creation, const OpenOptions& options) noexcept {
  if (address.home == Home::shm) return open_shm(address.name, creation, options);
  return Errc::unsupported;
}

Result<void> unlink(const Address& address) noexcept {
  if (address.home == Home::shm) return unlink_shm(address.name);
  return Errc::unsupported;
}

}  // namespace mqxx::backend
