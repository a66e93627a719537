// Coroutines on an EventLoop: what its spawn, receive, send, sleep and signal answer. docs/event-loop.md is the guide.
//
// Who awaits one is resumed by the loop, in the loop's thread. Destroyed while it waits, it waits no more, and nothing
// was taken or sent. A wait that can end at once does, sixty-four times in a row: then the others have their turn.
#pragma once

#include <stop_token>
#include <utility>

#include <mqxx/detail/spawned.hpp>
#include <mqxx/detail/waits.hpp>
#include <mqxx/event_loop.hpp>
#include <mqxx/task.hpp>

namespace mqxx {

inline Watch EventLoop::spawn(Task<void> task) { return detail::Spawned::make(*this, std::move(task)).start(*this); }

inline detail::Receiving EventLoop::receive(Queue& queue) { return {*this, queue}; }
inline detail::StoppableReceiving EventLoop::receive(Queue& queue, std::stop_token stop) {
  return {*this, queue, std::move(stop)};
}
inline detail::Sending EventLoop::send(Queue& queue, Payload payload, Priority priority) {
  return {*this, queue, {payload, priority}};
}
inline detail::StoppableSending EventLoop::send(Queue& queue, Payload payload, std::stop_token stop,
                                                Priority priority) {
  return {*this, queue, {payload, priority}, std::move(stop)};
}
inline detail::Sleeping EventLoop::sleep(Duration delay) { return {*this, delay}; }
inline detail::StoppableSleeping EventLoop::sleep(Duration delay, std::stop_token stop) {
  return {*this, delay, std::move(stop)};
}
inline detail::SignalAwaiting EventLoop::signal(int signal) { return {*this, signal}; }
inline detail::StoppableSignalAwaiting EventLoop::signal(int signal, std::stop_token stop) {
  return {*this, signal, std::move(stop)};
}

}  // namespace mqxx
