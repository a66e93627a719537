// Doorbell: an object with a path whose descriptors every poller of the system understands, and whose readiness is set
// by hand.
//
//  - make_doorbell creates one, abandoned() until it is adopt()ed; already_exists when the path is taken.
//  - open_doorbell answers a descriptor of its own description, which blocks or not as asked; it never waits, whatever
//  stands at the path; what is no doorbell of that owner is queue_damaged. Nor do the others that take a path ever
//  change anything but a doorbell.
//  - A descriptor polls as the bell says: empty is writable only, some is readable and writable, full readable only;
//  never
//    a hang-up or an error, whoever else has it open or closes it.
//  - set_bell goes from one state to another; between empty and full it may show some for a moment, otherwise no third.
//    strike_bell shows the state anew to those who wait for edges, and changes nothing. Neither blocks on a nonblocking
//    descriptor.
//  - in_use answers whether any process has it open, on its way in a message included; a process that dies lets go.
//  - The state is forgotten when nobody has it open: ask bell_state after opening.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace mqxx::os {

enum class Bell : std::uint32_t { empty, some, full };
enum class Blocking : std::uint8_t { no, yes };

Result<void> make_doorbell(const std::string& path) noexcept;
Result<UniqueFd> open_doorbell(const std::string& path, Blocking blocking, std::uint32_t owner) noexcept;
/// It now belongs to something, and whoever has these permission bits may open it.
Result<void> adopt(int bell, std::uint32_t mode) noexcept;
/// Other permission bits, whether it is abandoned or not.
Result<void> set_doorbell_mode(const std::string& path, std::uint32_t mode) noexcept;
/// As chown(2).
Result<void> set_doorbell_owner(const std::string& path, std::uint32_t uid, std::uint32_t gid) noexcept;
/// What it belonged to is gone: whoever finds it not in use may remove it. By path, since the owner need not have it
/// open.
void abandon(const std::string& path) noexcept;
bool abandoned(int bell) noexcept;
bool abandoned(const std::string& path) noexcept;
bool in_use(const std::string& path) noexcept;

Bell bell_state(int bell) noexcept;
void set_bell(int bell, Bell from, Bell to) noexcept;
void strike_bell(int bell) noexcept;

}  // namespace mqxx::os
