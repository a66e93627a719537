// Competition: several processes that send to one queue, several that receive, and what must be true when all are done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include <mqxx/queue.hpp>

namespace mqxx::test {

inline constexpr OpenOptions kCompeted{.capacity = 10, .message_size = 128};

/// What a receiver does with each message that it got: it is looked at, and noted. @return false: this was the last one
using Take = std::function<bool(std::span<const std::byte>)>;
/// What a process does that receives: it takes messages until it has had its last one.
using Receive = std::function<void(Queue& queue, const Take& take)>;

/// Three processes send some `count` messages of several priorities, and three receive; then each receiver gets one
/// that is its last. So a receiver that misses what it waits for hangs, whatever the others took. Fails the test unless
/// each message was received once, whole and in its order, nothing is left, and every process ended by itself.
void compete(const std::string& name, std::size_t count, const Receive& receive);

}  // namespace mqxx::test
