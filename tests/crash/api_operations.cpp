// The operations of the C++ interface.
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>

#include "operation.hpp"

namespace mqxx::crash {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLarge = 10'000;  // copied outside the lock
constexpr std::size_t kBatch = 8;
constexpr Priority kPriority = 2;

/// What a victim needs: the queue, a message of its own, and room for one.
struct Means {
  explicit Means(const Scene& scene, Tag tag = kVictims)
      : own(scene.inherited != nullptr ? Queue() : Queue::open(kName)),
        queue(scene.inherited != nullptr ? *scene.inherited : own),
        bytes(message(tag, scene.setting.message_size)),
        room(scene.setting.message_size) {}

  Queue own;
  Queue& queue;
  std::vector<std::byte> bytes;
  std::vector<std::byte> room;
};

/// An operation that needs the means and nothing else.
template <class Act>
Prepare with_queue(Act act, Tag tag = kVictims) {
  return [=](const Scene& scene) -> std::function<void()> {
    const auto means = std::make_shared<Means>(scene, tag);
    return [=] { act(*means); };
  };
}

void send(Means& means) { (void)means.queue.try_send(std::span(means.bytes), kPriority); }
void receive(Means& means) { (void)means.queue.try_receive(means.room); }
void send_in_vain(Means& means) { (void)means.queue.send_for(std::span(means.bytes), 2ms, kPriority); }
void receive_in_vain(Means& means) { (void)means.queue.receive_for(means.room, 2ms); }

void lend_and_send(Means& means) {
  SendLoan loan = means.queue.try_loan(means.bytes.size());
  if (!loan) return;
  std::memcpy(loan.bytes().data(), means.bytes.data(), means.bytes.size());
  loan.send(kPriority);
}
void lend_and_drop(Means& means) { means.queue.try_loan(8).drop(); }
void borrow_and_release(Means& means) { means.queue.try_receive_loan().release(); }
void borrow_and_put_back(Means& means) { means.queue.try_receive_loan().put_back(); }

std::function<void()> send_eight(const Scene& scene) {
  struct Batch {
    explicit Batch(const Scene& scene) : means(scene) {
      for (std::size_t i = 0; i < kBatch; ++i) {
        bytes[i] = message(kVictims + i, scene.setting.message_size);
        batch[i] = {std::span<const std::byte>(bytes[i]), static_cast<Priority>(1 + i % 2)};
      }
    }
    Means means;
    std::array<std::vector<std::byte>, kBatch> bytes;
    std::array<Outgoing, kBatch> batch;
  };
  const auto batch = std::make_shared<Batch>(scene);
  return [=] { (void)batch->means.queue.try_send_batch(batch->batch); };
}

std::vector<Sent> eight() {
  std::vector<Sent> sent;
  for (std::size_t i = 0; i < kBatch; ++i) sent.push_back({kVictims + i, static_cast<Priority>(1 + i % 2)});
  return sent;
}

std::function<void()> receive_eight(const Scene& scene) {
  struct Batch {
    explicit Batch(const Scene& scene) : means(scene), bytes(kBatch * scene.setting.message_size) {
      const std::size_t size = scene.setting.message_size;
      for (std::size_t i = 0; i < kBatch; ++i) room[i].buffer = std::span(bytes).subspan(i * size, size);
    }
    Means means;
    std::vector<std::byte> bytes;
    std::array<Incoming, kBatch> room;
  };
  const auto batch = std::make_shared<Batch>(scene);
  return [=] { (void)batch->means.queue.try_receive_batch(batch->room); };
}

std::function<void()> open(const Scene&) {
  const auto queue = std::make_shared<Queue>();
  return [=] { *queue = Queue::open(kName); };
}

std::function<void()> create(const Scene& scene) {
  const auto queue = std::make_shared<Queue>();
  return [=] {
    *queue = Queue::create(kName, {.capacity = scene.setting.capacity, .message_size = scene.setting.message_size});
  };
}

std::function<void()> close(const Scene&) {
  const auto queue = std::make_shared<Queue>(Queue::open(kName));
  return [=] { queue->close(); };
}

std::function<void()> unlink(const Scene&) {
  return [] { Queue::unlink(kName); };
}

// The last user of a queue without a name removes what is left of it.
std::function<void()> close_nameless(const Scene&) {
  const auto queue = std::make_shared<Queue>(Queue::create(kName));
  queue->unlink();
  return [=] { queue->close(); };
}

const Effect kSends{.sends = {{{kVictims, kPriority}}}};
const Effect kTakes{.takes = 1};
const Effect kTakesAndReturns{.takes = 1, .late = 1};
constexpr Setting kLargeOnes{.capacity = 3, .message_size = kLarge, .queued = 1};

std::vector<Operation> sending_and_receiving() {
  return {
      {"send", Face::api, {}, kSends, with_queue(send)},
      {"send to an empty queue", Face::api, {.queued = 0}, kSends, with_queue(send)},
      {"send that fills the queue", Face::api, {.queued = 7}, kSends, with_queue(send)},
      {"send to a full queue", Face::api, {.queued = 8}, kSends, with_queue(send)},
      {"send that finds the ring full", Face::api, {.capacity = 40, .queued = 16}, kSends, with_queue(send)},
      {"receive", Face::api, {.queued = 3}, kTakes, with_queue(receive)},
      {"receive of one priority", Face::api, {.queued = 3, .one_priority = true}, kTakes, with_queue(receive)},
      {"receive that empties the queue", Face::api, {.queued = 1}, kTakes, with_queue(receive)},
      {"receive from a full queue", Face::api, {.queued = 8}, kTakes, with_queue(receive)},
      {"receive from an empty queue", Face::api, {.queued = 0}, {}, with_queue(receive)},
      {"send that expires", Face::api, {.queued = 8}, kSends, with_queue(send_in_vain)},
      {"receive that expires", Face::api, {.queued = 0}, {}, with_queue(receive_in_vain)},
      {"send of a batch of 8", Face::api, {.capacity = 12, .queued = 3}, {.sends = {eight()}}, send_eight},
      {"receive of a batch of 8", Face::api, {.capacity = 12, .queued = 10}, {.takes = kBatch}, receive_eight},
      {"loan written and sent", Face::api, {}, kSends, with_queue(lend_and_send)},
      {"loan dropped", Face::api, {}, {}, with_queue(lend_and_drop)},
      {"loan received and released", Face::api, {.queued = 3}, kTakesAndReturns, with_queue(borrow_and_release)},
      {"loan received and put back", Face::api, {.queued = 3}, kTakesAndReturns, with_queue(borrow_and_put_back)},
      {"send of a large message", Face::api, kLargeOnes, kSends, with_queue(send)},
      {"receive of a large message", Face::api, kLargeOnes, kTakesAndReturns, with_queue(receive)},
  };
}

Setting asleep(Sleeper sleeper, std::size_t queued, std::size_t message_size = 64) {
  return {.capacity = 4, .message_size = message_size, .queued = queued, .one_priority = true, .sleeper = sleeper};
}

std::vector<Operation> waking_and_telling() {
  return {
      {"send that wakes a receiver", Face::api, asleep(Sleeper::receiver, 0), kSends, with_queue(send)},
      {"receive that wakes a sender", Face::api, asleep(Sleeper::sender, 4), kTakes, with_queue(receive)},
      {"large send that wakes a receiver", Face::api, asleep(Sleeper::receiver, 0, kLarge), kSends, with_queue(send)},
      {"large receive that wakes a sender", Face::api, asleep(Sleeper::sender, 4, kLarge), kTakesAndReturns,
       with_queue(receive)},
      {"loan sent that wakes a receiver", Face::api, asleep(Sleeper::receiver, 0), kSends, with_queue(lend_and_send)},
      {"loan released that wakes a sender", Face::api, asleep(Sleeper::sender, 4), kTakesAndReturns,
       with_queue(borrow_and_release)},
      {"send to a polled queue", Face::api, {.queued = 0, .watch = Watch::polled}, kSends, with_queue(send)},
      {"send that fills a polled queue", Face::api, {.queued = 7, .watch = Watch::polled}, kSends, with_queue(send)},
      {"receive that empties a polled queue",
       Face::api,
       {.queued = 1, .watch = Watch::polled},
       kTakes,
       with_queue(receive)},
      {"receive from a full polled queue",
       Face::api,
       {.queued = 8, .watch = Watch::polled},
       kTakes,
       with_queue(receive)},
      {"send to a queue polled for edges", Face::api, {.queued = 3, .watch = Watch::edges}, kSends, with_queue(send)},
      {"send that fires a registration",
       Face::api,
       {.queued = 0, .watch = Watch::registered},
       kSends,
       with_queue(send)},
  };
}

std::vector<Operation> coming_and_going() {
  return {
      {"open", Face::api, {}, {}, open},
      {"create", Face::api, {.queued = 0, .absent = true}, {.leaves_files = true}, create},
      {"close", Face::api, {}, {}, close},
      {"unlink", Face::api, {}, {.leaves_files = true}, unlink},
      {"close of the last of a nameless queue",
       Face::api,
       {.queued = 0, .absent = true},
       {.leaves_files = true},
       close_nameless},
      {"fork child that sends", Face::api, {}, kSends, with_queue(send), true},
      {"fork child that takes a loan", Face::api, {}, kSends, with_queue(lend_and_send), true},
      {"fork child that sends a large message", Face::api, kLargeOnes, kSends, with_queue(send), true},
  };
}

std::vector<Operation> repairing() {
  const std::vector<Sent> first{{kFirstVictims, kPriority}};
  const std::vector<Sent> second{{kVictims, kPriority}};
  const Prepare dies_sending = with_queue(send, kFirstVictims);
  const Prepare dies_receiving = with_queue(receive, kFirstVictims);
  std::vector<Operation> all{
      {"repair by a sender after a sender", Face::api, {.queued = 3}, {.sends = {first, second}}, with_queue(send)},
      {"repair by a receiver after a sender",
       Face::api,
       {.queued = 3},
       {.sends = {first}, .takes = 1},
       with_queue(receive)},
  };
  for (Operation& operation : all) operation.first = dies_sending;
  std::vector<Operation> others{
      {"repair by a sender after a receiver",
       Face::api,
       {.queued = 3},
       {.sends = {second}, .takes = 1, .takes_first = true},
       with_queue(send)},
      {"repair by a receiver after a receiver", Face::api, {.queued = 3}, {.takes = 2}, with_queue(receive)},
      {"repair by an opener after a receiver", Face::api, {.queued = 3}, {.takes = 1}, open},
      {"repair of a polled queue",
       Face::api,
       {.queued = 1, .watch = Watch::polled},
       {.sends = {second}, .takes = 1, .takes_first = true},
       with_queue(send)},
      {"repair of a queue with a registration",
       Face::api,
       {.queued = 0, .watch = Watch::registered},
       {.sends = {second}},
       with_queue(send)},
      {"repair of a queue with a sleeping sender",
       Face::api,
       asleep(Sleeper::sender, 4),
       {.sends = {second}, .takes = 1, .takes_first = true},
       with_queue(send)},
  };
  for (Operation& operation : others) operation.first = dies_receiving;
  all.insert(all.end(), others.begin(), others.end());
  std::vector<Operation> loans{
      {"repair by a sender after one with a loan",
       Face::api,
       {.queued = 3},
       {.sends = {first, second}},
       with_queue(send)},
      {"repair by a large receiver after a large sender",
       Face::api,
       kLargeOnes,
       {.sends = {first}, .takes = 1, .late = 1},
       with_queue(receive)},
  };
  loans[0].first = with_queue(lend_and_send, kFirstVictims);
  loans[1].first = dies_sending;
  all.insert(all.end(), loans.begin(), loans.end());
  return all;
}

}  // namespace

std::vector<Operation> api_operations() {
  std::vector<Operation> all = sending_and_receiving();
  for (auto* more : {waking_and_telling, coming_and_going, repairing}) {
    for (Operation& operation : more()) all.push_back(std::move(operation));
  }
  return all;
}

}  // namespace mqxx::crash
