#include "support/forms.hpp"

#include <array>
#include <chrono>

namespace mqxx::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using std::chrono::system_clock;

/// A token that nobody will trigger: std::stop_token{} could never be, and is a shorter way through the engine.
std::stop_token untriggered() {
  static std::stop_source source;
  return source.get_token();
}

bool send_batch_of_one(Queue& queue, Payload payload, Priority priority, const Wait& wait, std::error_code* ec) {
  const std::array<Outgoing, 1> batch{Outgoing{payload, priority}};
  return (ec != nullptr ? queue.send_batch(batch, wait, *ec) : queue.send_batch(batch, wait)) == 1;
}

bool send_by_loan(Queue& queue, Payload payload, Priority priority, const Wait& wait, std::error_code* ec) {
  SendLoan loan = ec != nullptr ? queue.loan(payload.size(), wait, *ec) : queue.loan(payload.size(), wait);
  if (!loan) return false;
  if (payload.size() > 0) std::memcpy(loan.bytes().data(), payload.bytes().data(), payload.size());
  if (ec == nullptr) {
    loan.send(priority);
    return true;
  }
  // SendLoan::send has no twin; the table wants one.
  try {
    loan.send(priority);
    return true;
  } catch (const Error& error) {
    *ec = error.code();
    return false;
  }
}

std::vector<SendForm> make_send_forms() {
  std::vector<SendForm> forms;
  const auto add = [&](std::string name, bool waits, auto send) {
    forms.push_back({std::move(name), waits, std::move(send)});
  };
  add("send", true, [](Queue& q, Payload p, Priority prio, std::error_code* ec) {
    if (ec == nullptr) {
      q.send(p, prio);
      return true;
    }
    q.send(p, prio, *ec);
    return !*ec;
  });
  add("send with a stop token", true, [](Queue& q, Payload p, Priority prio, std::error_code* ec) {
    return ec == nullptr ? q.send(p, untriggered(), prio) : q.send(p, untriggered(), prio, *ec);
  });
  add("try_send", false, [](Queue& q, Payload p, Priority prio, std::error_code* ec) {
    return ec == nullptr ? q.try_send(p, prio) : q.try_send(p, prio, *ec);
  });
  const auto add_for = [&](std::string name, bool waits, auto timeout) {
    add(std::move(name), waits, [timeout](Queue& q, Payload p, Priority prio, std::error_code* ec) {
      return ec == nullptr ? q.send_for(p, timeout, prio) : q.send_for(p, timeout, prio, *ec);
    });
  };
  add_for("send_for zero", false, 0s);
  add_for("send_for less than zero", false, -5ms);
  add_for("send_for a millisecond", false, 1ms);
  add_for("send_for an hour", true, 1h);
  add_for("send_for as long as the clock can say", true, std::chrono::hours::max());
  const auto add_until = [&](std::string name, bool waits, auto deadline) {
    add(std::move(name), waits, [deadline](Queue& q, Payload p, Priority prio, std::error_code* ec) {
      return ec == nullptr ? q.send_until(p, deadline(), prio) : q.send_until(p, deadline(), prio, *ec);
    });
  };
  add_until("send_until a steady time that passed", false, [] { return steady_clock::now() - 1s; });
  add_until("send_until a system time that passed", false, [] { return system_clock::now() - 1s; });
  add_until("send_until the first steady time", false, [] { return steady_clock::time_point::min(); });
  add_until("send_until a steady time to come", true, [] { return steady_clock::now() + 1h; });
  add_until("send_until a system time to come", true, [] { return system_clock::now() + 1h; });
  const auto add_wait = [&](const std::string& name, bool waits, Wait wait) {
    add("send_batch " + name, waits, [wait](Queue& q, Payload p, Priority prio, std::error_code* ec) {
      return send_batch_of_one(q, p, prio, wait, ec);
    });
    add("loan " + name, waits,
        [wait](Queue& q, Payload p, Priority prio, std::error_code* ec) { return send_by_loan(q, p, prio, wait, ec); });
  };
  add_wait("waiting", true, Wait::forever());
  add_wait("not waiting", false, Wait::none());
  return forms;
}

std::optional<Message> message_of(const std::optional<Received>& received, std::span<const std::byte> buffer) {
  if (!received) return std::nullopt;
  return Message(buffer.first(received->size), received->priority);
}

/// The buffer for a form that wants one. A queue that cannot say its size (closed) gets any buffer.
std::vector<std::byte> room_for(Queue& queue) {
  std::error_code ignored;
  const Attributes attributes = queue.attributes(ignored);
  return std::vector<std::byte>(ignored ? 64 : attributes.message_size);
}

std::optional<Message> receive_batch_of_one(Queue& queue, const Wait& wait, std::error_code* ec) {
  std::vector<std::byte> buffer = room_for(queue);
  std::array<Incoming, 1> room{Incoming{.buffer = buffer}};
  const std::size_t count = ec != nullptr ? queue.receive_batch(room, wait, *ec) : queue.receive_batch(room, wait);
  if (count == 0) return std::nullopt;
  return Message(std::span<const std::byte>(buffer).first(room[0].size), room[0].priority);
}

std::optional<Message> receive_by_loan(Queue& queue, const Wait& wait, std::error_code* ec) {
  const ReceiveLoan loan = ec != nullptr ? queue.receive_loan(wait, *ec) : queue.receive_loan(wait);
  if (!loan) return std::nullopt;
  return Message(loan.bytes(), loan.priority());
}

std::vector<ReceiveForm> make_receive_forms() {
  std::vector<ReceiveForm> forms;
  const auto add = [&](std::string name, bool waits, auto receive) {
    forms.push_back({std::move(name), waits, std::move(receive)});
  };
  // Each form twice: into a buffer, and as an owning Message.
  const auto add_both = [&](const std::string& name, bool waits, auto call) {
    add(name + " into a buffer", waits, [call](Queue& q, std::error_code* ec) {
      std::vector<std::byte> buffer = room_for(q);
      return message_of(ec == nullptr ? call(q, std::span(buffer)) : call(q, std::span(buffer), *ec), buffer);
    });
    add(name, waits, [call](Queue& q, std::error_code* ec) { return ec == nullptr ? call(q) : call(q, *ec); });
  };
  add("receive into a buffer", true, [](Queue& q, std::error_code* ec) -> std::optional<Message> {
    std::vector<std::byte> buffer = room_for(q);
    const Received received = ec == nullptr ? q.receive(std::span(buffer)) : q.receive(std::span(buffer), *ec);
    if (ec != nullptr && *ec) return std::nullopt;
    return message_of(received, buffer);
  });
  add("receive", true, [](Queue& q, std::error_code* ec) -> std::optional<Message> {
    if (ec == nullptr) return q.receive();
    Message message = q.receive(*ec);
    if (*ec) return std::nullopt;
    return message;
  });
  add("receive into a buffer with a stop token", true, [](Queue& q, std::error_code* ec) {
    std::vector<std::byte> buffer = room_for(q);
    return message_of(
        ec == nullptr ? q.receive(std::span(buffer), untriggered()) : q.receive(std::span(buffer), untriggered(), *ec),
        buffer);
  });
  add("receive with a stop token", true, [](Queue& q, std::error_code* ec) {
    return ec == nullptr ? q.receive(untriggered()) : q.receive(untriggered(), *ec);
  });
  add_both("try_receive", false, [](Queue& q, auto&&... rest) { return q.try_receive(rest...); });
  const auto add_for = [&](const std::string& name, bool waits, auto timeout) {
    add(name + " into a buffer", waits, [timeout](Queue& q, std::error_code* ec) {
      std::vector<std::byte> buffer = room_for(q);
      return message_of(
          ec == nullptr ? q.receive_for(std::span(buffer), timeout) : q.receive_for(std::span(buffer), timeout, *ec),
          buffer);
    });
    add(name, waits, [timeout](Queue& q, std::error_code* ec) {
      return ec == nullptr ? q.receive_for(timeout) : q.receive_for(timeout, *ec);
    });
  };
  add_for("receive_for zero", false, 0s);
  add_for("receive_for less than zero", false, -5ms);
  add_for("receive_for a millisecond", false, 1ms);
  add_for("receive_for an hour", true, 1h);
  add_for("receive_for as long as the clock can say", true, std::chrono::hours::max());
  const auto add_until = [&](const std::string& name, bool waits, auto deadline) {
    add(name + " into a buffer", waits, [deadline](Queue& q, std::error_code* ec) {
      std::vector<std::byte> buffer = room_for(q);
      return message_of(ec == nullptr ? q.receive_until(std::span(buffer), deadline())
                                      : q.receive_until(std::span(buffer), deadline(), *ec),
                        buffer);
    });
    add(name, waits, [deadline](Queue& q, std::error_code* ec) {
      return ec == nullptr ? q.receive_until(deadline()) : q.receive_until(deadline(), *ec);
    });
  };
  add_until("receive_until a steady time that passed", false, [] { return steady_clock::now() - 1s; });
  add_until("receive_until a system time that passed", false, [] { return system_clock::now() - 1s; });
  add_until("receive_until a steady time to come", true, [] { return steady_clock::now() + 1h; });
  add_until("receive_until a system time to come", true, [] { return system_clock::now() + 1h; });
  const auto add_wait = [&](const std::string& name, bool waits, Wait wait) {
    add("receive_batch " + name, waits,
        [wait](Queue& q, std::error_code* ec) { return receive_batch_of_one(q, wait, ec); });
    add("receive_loan " + name, waits, [wait](Queue& q, std::error_code* ec) { return receive_by_loan(q, wait, ec); });
  };
  add_wait("waiting", true, Wait::forever());
  add_wait("not waiting", false, Wait::none());
  return forms;
}

}  // namespace

const std::vector<SendForm>& send_forms() {
  static const std::vector<SendForm> forms = make_send_forms();
  return forms;
}

const std::vector<ReceiveForm>& receive_forms() {
  static const std::vector<ReceiveForm> forms = make_receive_forms();
  return forms;
}

}  // namespace mqxx::test
