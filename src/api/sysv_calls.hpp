// The System V interface below its exceptions: the calls of sysv::Queue as values, waits and all.
//
// Each takes the number of the queue; one below 0 is `closed`.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <mqxx/sysv_types.hpp>
#include <mqxx/types.hpp>
#include <mqxx/wait.hpp>

#include "api/sysv_words.hpp"
#include "base/result.hpp"

namespace mqxx::api {

/// How a failure came about is told in `asked`.
Result<void> sysv_send(int queue, Payload text, sysv::Type type, const Wait& wait, SysvAsked& asked) noexcept;
Result<sysv::Received> sysv_receive(int queue, std::span<std::byte> buffer, const sysv::Selection& selection,
                                    const Wait& wait) noexcept;
Result<sysv::Message> sysv_receive_message(int queue, const sysv::Selection& selection, const Wait& wait) noexcept;
/// would_block: not so many messages.
Result<sysv::Message> sysv_peek(int queue, std::size_t index) noexcept;

Result<int> sysv_find(sysv::Key key) noexcept;
Result<int> sysv_make(sysv::Key key, const sysv::CreateOptions& options) noexcept;
Result<int> sysv_find_or_make(sysv::Key key, const sysv::CreateOptions& options) noexcept;

Result<sysv::Status> sysv_status(int queue) noexcept;
Result<void> sysv_change(int queue, const sysv::Changes& changes, SysvAsked& asked) noexcept;
Result<void> sysv_remove(int queue) noexcept;
/// What is told of a queue that this process may not read, too.
Result<std::vector<sysv::Status>> sysv_list() noexcept;

}  // namespace mqxx::api
