#include "base/address.hpp"

#include "base/sysv_key.hpp"

namespace mqxx {
namespace {

Result<std::string> checked_name(std::string_view text) {
  if (text.starts_with('/')) text.remove_prefix(1);
  if (text.empty() || text == "." || text == "..") return Errc::invalid_name;
  if (text.find('/') != text.npos || text.find('\0') != text.npos) return Errc::invalid_name;
  if (text.size() > kMaxNameSize) return Errc::name_too_long;
  return '/' + std::string(text);
}

}  // namespace

std::string text_of(const Address& address) {
  switch (address.home) {
    case Home::shm: break;
    case Home::kernel: return std::string(kKernelPrefix) + address.name;
    case Home::sysv: return std::string(kSysvPrefix) + address.name;
  }
  return address.name;
}

Result<Address> parse_address(std::string_view text) {
  Address address;
  if (text.starts_with(kSysvPrefix)) {
    text.remove_prefix(kSysvPrefix.size());
    const Result<SysvKey> key = parse_sysv_key(text);
    if (!key) return key.failure();
    return Address{Home::sysv, text_of(*key)};
  }
  if (text.starts_with(kKernelPrefix)) {
    text.remove_prefix(kKernelPrefix.size());
    address.home = Home::kernel;
  }
  Result<std::string> name = checked_name(text);
  if (!name) return name.failure();
  address.name = std::move(*name);
  return address;
}

}  // namespace mqxx
