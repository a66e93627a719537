#include "round.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "board.hpp"
#include "crew.hpp"
#include "progress.hpp"
#include "proof.hpp"

namespace run {
namespace {

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

/// Everything that parent and workers share.
struct Round {
  Round(Transport& queue, const Plan& the_plan, const Options& wanted)
      : transport(queue),
        plan(the_plan),
        options(wanted),
        memory((1 + wanted.producers + wanted.consumers) * sizeof(Counter)) {
    for (std::uint32_t consumer = 0; consumer < options.consumers; ++consumer) logs.emplace_back(plan);
    producers_left().store(options.producers);
  }
  ~Round() { transport.unlink(); }
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  [[nodiscard]] Counter* counters() const { return reinterpret_cast<Counter*>(memory.bytes().data()); }
  [[nodiscard]] std::atomic<std::uint64_t>& producers_left() const { return counters()[0].messages; }
  [[nodiscard]] Counter& producer(std::uint32_t index) const { return counters()[1 + index]; }
  [[nodiscard]] Counter& consumer(std::uint32_t index) const { return counters()[1 + options.producers + index]; }

  Transport& transport;
  const Plan& plan;
  const Options& options;
  SharedMemory memory;
  std::vector<Log> logs;
};

void produce(Round& round, std::uint32_t index, Gate& gate) {
  const Plan& plan = round.plan;
  const auto channel = round.transport.open(mqxx::Access::write_only);
  std::vector<std::byte> message(plan.longest_message());
  gate.pass();

  round.producer(index).time_ns = now_ns();
  for (std::uint64_t number = index; number < plan.messages(); number += round.options.producers) {
    const std::string_view piece = plan.piece(number);
    const Header header{number, index, plan.priority_of(number)};
    std::memcpy(message.data(), &header, sizeof header);
    std::memcpy(message.data() + sizeof header, piece.data(), piece.size());
    channel->send(std::span(message).first(sizeof header + piece.size()), header.priority);
  }
  // The last one to finish ends the consumers. Priority 0 is the lowest, so these messages arrive after all others.
  if (round.producers_left().fetch_sub(1) != 1) return;
  const Header end{kEnd, index, 0};
  for (std::uint32_t consumer = 0; consumer < round.options.consumers; ++consumer) {
    channel->send(std::as_bytes(std::span(&end, 1)), end.priority);
  }
}

bool is_end(std::span<const std::byte> message) {
  Header header{};
  if (message.size() != sizeof header) return false;
  std::memcpy(&header, message.data(), sizeof header);
  return header.number == kEnd;
}

void consume(Round& round, std::uint32_t index, Gate& gate) {
  const auto channel = round.transport.open(mqxx::Access::read_only);
  Log& log = round.logs[index];
  Counter& counter = round.consumer(index);
  log.prepare(round.options.consumers);
  gate.pass();

  for (std::uint64_t received = 1;; ++received) {
    const std::span<std::byte> room = log.room();
    const mqxx::Received got = channel->receive(room);
    if (is_end(room.first(got.size))) break;
    log.keep(got.size, got.priority);
    counter.messages.store(received, std::memory_order_relaxed);
  }
  counter.time_ns = now_ns();
}

void spawn_all(Crew& crew, Round& round) {
  for (std::uint32_t index = 0; index < round.options.consumers; ++index) {
    crew.spawn(fmt::format("consumer {}", index), [&round, index](Gate& gate) { consume(round, index, gate); });
  }
  for (std::uint32_t index = 0; index < round.options.producers; ++index) {
    crew.spawn(fmt::format("producer {}", index), [&round, index](Gate& gate) { produce(round, index, gate); });
  }
}

std::uint64_t received(const Round& round) {
  std::uint64_t sum = 0;
  for (std::uint32_t index = 0; index < round.options.consumers; ++index) {
    sum += round.consumer(index).messages.load(std::memory_order_relaxed);
  }
  return sum;
}

double seconds(const Round& round) {
  std::int64_t begin = round.producer(0).time_ns;
  std::int64_t end = round.consumer(0).time_ns;
  for (std::uint32_t index = 1; index < round.options.producers; ++index) {
    begin = std::min(begin, round.producer(index).time_ns);
  }
  for (std::uint32_t index = 1; index < round.options.consumers; ++index) {
    end = std::max(end, round.consumer(index).time_ns);
  }
  return static_cast<double>(end - begin) / 1e9;
}

}  // namespace

double run_round(Transport& transport, const Plan& plan, const Options& options, const std::string& title) {
  Round round(transport, plan, options);
  const auto observer = transport.create({.capacity = options.capacity, .message_size = plan.longest_message()});
  {
    Crew crew(options.patience);
    spawn_all(crew, round);
    crew.assemble();
    // Everybody has it open: without its name nothing can be left behind, whatever happens from here on.
    transport.unlink();
    Progress progress(title, plan.messages());
    crew.start();
    crew.watch([&] {
      const std::uint64_t done = received(round);
      progress.show(done, observer->depth(), options.capacity);
      return done;
    });
  }
  prove(plan, round.logs);
  return seconds(round);
}

}  // namespace run
