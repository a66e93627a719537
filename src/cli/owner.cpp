#include "cli/owner.hpp"

#include <limits>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include "cli/output.hpp"
#include "cli/values.hpp"

namespace mqxx::cli {
namespace {

[[noreturn]] void unknown(const char* option, const char* kind, const std::string& text) {
  throw CLI::ValidationError(option, fmt::format("there is no {} '{}'", kind, printable(text)));
}

/// A user or a group by its number.
std::uint32_t number_of(const char* option, const char* kind, const std::string& text) {
  const auto number = parse_number(text.starts_with('+') ? text.substr(1) : text);
  // The highest means "none" to the system.
  if (!number || *number >= std::numeric_limits<std::uint32_t>::max()) unknown(option, kind, text);
  return static_cast<std::uint32_t>(*number);
}

// NOLINTBEGIN(concurrency-mt-unsafe): mq has one thread.
const passwd* user_named(const std::string& text) { return text.starts_with('+') ? nullptr : ::getpwnam(text.c_str()); }
const group* group_named(const std::string& text) { return text.starts_with('+') ? nullptr : ::getgrnam(text.c_str()); }
// NOLINTEND(concurrency-mt-unsafe)

}  // namespace

NewOwner parse_owner(const char* option, const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string user = text.substr(0, colon);
  const std::string group = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (user.empty() && group.empty()) throw CLI::ValidationError(option, "name a user, a group as in ':staff', or both");

  NewOwner owner;
  if (!user.empty()) {
    const passwd* const known = user_named(user);
    owner.uid = known != nullptr ? known->pw_uid : number_of(option, "user", user);
    if (colon != std::string::npos && group.empty()) {
      if (known == nullptr)
        throw CLI::ValidationError(option, fmt::format("a number has no group of its own: '{}'", text));
      owner.gid = known->pw_gid;
    }
  }
  if (!group.empty()) {
    const ::group* const known = group_named(group);
    owner.gid = known != nullptr ? known->gr_gid : number_of(option, "group", group);
  }
  return owner;
}

}  // namespace mqxx::cli
