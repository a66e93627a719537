// Owner: users and groups as people write them: "ann", "ann:staff", ":staff", "1000:100".
#pragma once

#include <string>

#include <mqxx/permissions.hpp>

namespace mqxx::cli {

/// As chown(1): a name, or where there is no such name a number; "+5" is the number whatever names there are. "ann:" is
/// ann and her own group. @throws CLI::ValidationError  naming `option`
[[nodiscard]] NewOwner parse_owner(const char* option, const std::string& text);

}  // namespace mqxx::cli
