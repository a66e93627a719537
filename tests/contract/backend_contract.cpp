#include "contract/backend_contract.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include <unistd.h>

#include <mqxx/notification.hpp>

#include "support/emulated.hpp"

namespace mqxx::test {
namespace {

/// FNV-1a: the key that stands for a name where there are no names. Far from 0, and from what other programs number.
std::string key_of(const std::string& name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", hash | 0x40000000U);
  return text.data();
}

}  // namespace

void BackendContract::SetUp() {
  std::error_code ec;
  const Queue none = Queue::open(at("none"), {}, ec);
  if (ec == std::errc::function_not_supported) GTEST_SKIP() << "this system has no queues of the home " << home().name;
}

BackendContract::~BackendContract() {
  std::error_code ignored;  // most tests have removed theirs; a home outside directory_ needs the rest gone
  for (const std::string& address : used_) Queue::unlink(address, ignored);
}

std::string BackendContract::at(std::string_view name) {
  const std::string& tag = home().tag;
  if (!can().names) {
    used_.push_back(home().prefix + key_of(tag + std::string(name)));
    return used_.back();
  }
  constexpr std::size_t kMostBytes = 255;
  // A long name keeps its length: the tag takes the place of its first bytes.
  if (name.size() + tag.size() > kMostBytes) name.remove_prefix(std::min(name.size(), tag.size()));
  std::string address = home().prefix + "/" + tag + std::string(name);
  used_.push_back(address);
  return address;
}

std::vector<QueueInfo> BackendContract::listed() {
  std::vector<QueueInfo> infos = list(home().prefix);
  if (!can().names) {
    std::erase_if(infos, [&](const QueueInfo& info) { return std::ranges::find(used_, info.name) == used_.end(); });
    return infos;
  }
  const std::string stem = home().prefix + "/" + home().tag;
  std::erase_if(infos, [&](const QueueInfo& info) { return !info.name.starts_with(stem); });
  return infos;
}

void BackendContract::expect_nothing_left() {
  EXPECT_EQ(directory_.file_count(), 0u);
  for (const std::string& address : used_)
    EXPECT_TRUE(fails_with(Errc::not_found, [&] { (void)Queue::open(address); }));
}

void BackendContract::without_loans_in_place() {
  Queue queue = make(2, 64, "copies");
  SendLoan loan = queue.loan(filler_.size());
  std::ranges::fill(loan.bytes(), std::byte{'L'});
  const std::string first(filler_.size(), '0');
  const std::string second(filler_.size(), '1');
  EXPECT_TRUE(queue.try_send(first)) << "a loan takes no room before it is sent";
  EXPECT_TRUE(queue.try_send(second));
  EXPECT_FALSE(queue.try_loan(1)) << "and is given only while there is room";

  std::atomic<bool> sent{false};
  std::thread sender([&] {
    loan.send();
    sent = true;
  });
  std::this_thread::sleep_for(kMoment);
  EXPECT_FALSE(sent) << "sending it waits for room";
  ReceiveLoan taken = queue.receive_loan();
  sender.join();
  EXPECT_EQ(text_of(taken.bytes()), first);
  EXPECT_FALSE(queue.try_send(first)) << "the room of a message on loan was free at once";
  EXPECT_EQ(queue.receive().text(), second);
  taken.put_back();
  const std::string loaned(filler_.size(), 'L');
  EXPECT_EQ(drained(queue), (std::vector{loaned, first})) << "what is put back is sent anew";
}

void BackendContract::without_peek() {
  Queue queue = make(2, 64, "unseen");
  queue.send("x");
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { (void)queue.peek(); }));
  EXPECT_TRUE(says(sentence_of([&] { (void)queue.peek(); }), "peek", queue.name(), "docs/homes.md", "ENOTSUP"));
  std::error_code ec;
  EXPECT_TRUE(queue.peek(1, ec).empty());
  EXPECT_EQ(ec, Errc::unsupported);
  Cursor cursor;
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { (void)queue.peek(cursor); }));
  EXPECT_EQ(cursor, Cursor());
  EXPECT_EQ(drained(queue), std::vector<std::string>{"x"});
}

void BackendContract::without_steady_cursor() {
  Queue queue = make(10, 64, "counted");
  for (const char* text : {"a", "b", "c", "d", "e"}) queue.send(text);
  Cursor cursor;
  EXPECT_EQ(queue.peek(cursor, {.most = 2}).size(), 2U);
  EXPECT_EQ(queue.receive().text(), "a");
  EXPECT_EQ(texts_of(queue.peek(cursor)), (std::vector<std::string>{"d", "e"})) << "c is hidden: a has left";
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"b", "c", "d", "e"}));
}

void BackendContract::without_statistics() {
  Queue queue = make(2, 64, "uncounted");
  queue.send("x");
  if (can().times) {
    const Statistics statistics = queue.statistics();
    EXPECT_EQ(statistics.last_sender_pid, ::getpid());
    EXPECT_EQ(statistics.last_receiver_pid, 0);
    EXPECT_GE(statistics.last_send, std::chrono::system_clock::now() - 1min) << "in whole seconds";
    EXPECT_GE(statistics.created, std::chrono::system_clock::now() - 1min);
    EXPECT_EQ(statistics.last_receive, Statistics::Time{});
    EXPECT_EQ(statistics.messages_sent, 0u) << "nothing is counted";
  } else {
    EXPECT_TRUE(fails_with(Errc::unsupported, [&] { (void)queue.statistics(); }));
    std::error_code ec;
    EXPECT_EQ(queue.statistics(ec).messages_sent, 0u);
    EXPECT_EQ(ec, Errc::unsupported);
  }
  const QueueInfo info = describe(at("uncounted"));
  EXPECT_FALSE(info.counted);
  EXPECT_EQ(info.statistics.messages_sent, 0u);
  EXPECT_EQ(info.memory_bytes, 0u);
  EXPECT_EQ(info.attributes.depth, 1u);
}

void BackendContract::without_users() {
  const Queue queue = make(2, 64, "anybodys");
  EXPECT_TRUE(describe(at("anybodys")).users.empty());
}

void BackendContract::without_check() {
  const Queue queue = make(2, 64, "unchecked");
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { (void)check(at("unchecked")); }));
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { (void)check(at("missing")); }));
}

void BackendContract::without_listing() {
  EXPECT_TRUE(fails_with(Errc::permission_denied, [] { (void)list(home().prefix); }));
  EXPECT_TRUE(says(sentence_of([] { (void)list(home().prefix); }), "list", "mount -t mqueue", "EPERM"));
}

void BackendContract::without_room(std::size_t capacity, std::size_t message_size) {
  const auto create = [&] { (void)make(capacity, message_size, "large"); };
  EXPECT_TRUE(fails_with(home().refusal(capacity, message_size), create)) << capacity << " x " << message_size;
  EXPECT_FALSE(sentence_of(create).empty());
  expect_nothing_left();
}

void BackendContract::without_names() {
  for (const std::string bad : {"", "orders", "0", "0x", "-1", "010", "4294967296", "id=", "/", "/missing",
                                "/missing:", "/missing:ab", "private "}) {
    SCOPED_TRACE(bad);
    const std::string address = home().prefix + bad;
    EXPECT_TRUE(fails_with(Errc::invalid_name, [&] { (void)Queue::create(address); }));
    EXPECT_TRUE(fails_with(Errc::invalid_name, [&] { (void)Queue::open(address); }));
    EXPECT_TRUE(fails_with(Errc::invalid_name, [&] { Queue::unlink(address); }));
    EXPECT_TRUE(fails_with(Errc::invalid_name, [&] { (void)describe(address); }));
    const std::string sentence = sentence_of([&] { (void)Queue::create(address); });
    EXPECT_TRUE(says(sentence, "create", address, "0x4d2", "id=5", "/etc/hostname:A", "EINVAL"));
    EXPECT_EQ(sentence.find('\n'), sentence.npos);
  }
}

// Bytes are counted, and nobody remembers how they were asked for.
void BackendContract::without_exact_sizes() {
  constexpr std::size_t kBytes = 48;
  Queue queue = make(3, kBytes / 3, "bytes");
  const Attributes attributes = Queue::open(at("bytes")).attributes();
  EXPECT_EQ(attributes.message_size, kBytes) << "one message may take all of them";
  EXPECT_EQ(attributes.capacity, 1u) << "of which there is room for one";
  EXPECT_EQ(describe(at("bytes")).most_bytes, kBytes);

  fill(queue);
  EXPECT_EQ(queue.attributes().depth, 3u) << "of the size that was asked for, as many as were asked for";
  EXPECT_EQ(drained(queue).size(), 3u);
  for (std::size_t i = 0; i < kBytes; ++i) ASSERT_TRUE(queue.try_send("x")) << i << ": of smaller ones more";
  EXPECT_FALSE(queue.try_send("x"));
  EXPECT_FALSE(queue.try_send("")) << "never more messages than bytes";
  EXPECT_EQ(drained(queue).size(), kBytes);

  const std::string large(kBytes + 1, 'x');
  EXPECT_TRUE(queue.try_send(large.substr(1)));
  EXPECT_TRUE(fails_with(Errc::message_too_big, [&] { queue.try_send(large); })) << "also while it is full";
  EXPECT_TRUE(says(sentence_of([&] { queue.send(large); }), "49", "48", "EMSGSIZE"));

  std::array<std::byte, 4> small{};
  EXPECT_TRUE(fails_with(Errc::buffer_too_small, [&] { (void)queue.receive(std::span(small)); }));
  EXPECT_EQ(queue.receive().size(), kBytes) << "it stayed queued";
  queue.send("1234");
  EXPECT_EQ(queue.receive(std::span(small)).size, 4u) << "a buffer must hold the message, not the largest one";
  queue.unlink();
}

void BackendContract::without_notices() {
  if (kEmulated && home().name == "Kernel") GTEST_SKIP() << "the emulator does not know mq_notify(2)";
  Queue queue = make(2, 64, "untold");
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { notify_by_signal(queue, SIGUSR1); }));
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { notify_by_call(queue, [] {}); }));
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { notify_silently(queue); }));
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { cancel_notify(queue); }));
  EXPECT_TRUE(says(sentence_of([&] { notify_silently(queue); }), "notify_silently", queue.name(), "ENOTSUP"));
}

void BackendContract::without_lives_on() {
  Queue queue = make(2, 64, "short lived");
  Queue other = Queue::open(at("short lived"));
  queue.send("goes with it");
  std::thread sleeper([&] {
    (void)other.receive();
    EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { (void)other.receive(); })) << "while it waited";
  });
  until_receivers_wait(queue);
  queue.unlink();
  sleeper.join();
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { queue.send("x"); }));
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { (void)other.try_receive(); }));
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { (void)queue.attributes(); }));
  EXPECT_TRUE(fails_with(Errc::queue_removed, [&] { (void)queue.loan(1); }));
  EXPECT_TRUE(fails_with(Errc::not_found, [&] { other.unlink(); }));
  EXPECT_TRUE(says(sentence_of([&] { queue.send("x"); }), "send", queue.name(), "removed", "EIDRM"));
}

}  // namespace mqxx::test
