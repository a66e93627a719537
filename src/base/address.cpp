#include "base/address.hpp"

namespace mqxx {
namespace {

constexpr std::string_view kKernelPrefix = "kernel:";
constexpr std::string_view kSysvPrefix = "sysv:";

Result<std::string> checked_name(std::string_view text) {
  if (text.starts_with('/')) text.remove_prefix(1);
  if (text.empty() || text == "." || text == "..") return Errc::invalid_name;
  if (text.find('/') != text.npos || text.find('\0') != text.npos) return Errc::invalid_name;
  if (text.size() > kMaxNameSize) return Errc::name_too_long;
  return '/' + std::string(text);
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  Address address;
  if (text.starts_with(kSysvPrefix)) {
    text.remove_prefix(kSysvPrefix.size());
    if (text.empty()) return Errc::invalid_name;
    return Address{Home::sysv, std::string(text)};
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
