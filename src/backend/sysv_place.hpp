// Where a System V queue is: from the text of a key to the number of a queue, and what the system knows of that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "backend/backend.hpp"
#include "os/sysv_queue.hpp"

namespace mqxx::backend {

/// The queue that is there. Fails with not_found (also for the file of a key), permission_denied: the mode gives less
/// than `access`, if that is asked for.
Result<int> find_sysv(const std::string& key, std::optional<Access> access) noexcept;
/// A new one, with room for so many bytes as the options ask for. Fails with already_exists, invalid_argument (an
/// identifier is not ours to give), invalid_capacity, invalid_message_size, queue_too_large, too_many_queues,
/// no_memory; then nobody has seen one.
Result<int> make_sysv(const std::string& key, const OpenOptions& options) noexcept;

/// As the creation says. Fails as those two.
Result<int> find_or_make_sysv(const std::string& key, Creation creation, const OpenOptions& options) noexcept;

/// Also where this process may not ask for them: who may only send, or look.
Result<os::SysvFacts> facts_of_sysv(int queue) noexcept;

/// What the numbers of the system mean in the words of mqxx: how many bytes one message may have, and of how many such
/// messages there is room for sure. A queue counts bytes; of smaller messages it takes more.
Attributes attributes_of(const os::SysvFacts& facts, const os::SysvLimits& limits) noexcept;
/// Times and process numbers; the system counts nothing.
Statistics statistics_of(const os::SysvFacts& facts) noexcept;

/// What a queue is called that was found or made by that key: a private one has no name but its number.
std::string name_of_sysv(const std::string& key, int queue);

}  // namespace mqxx::backend
