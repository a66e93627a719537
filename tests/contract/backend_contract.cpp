#include "contract/backend_contract.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace mqxx::test {

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
  constexpr std::size_t kMostBytes = 255;
  // A long name keeps its length: the tag takes the place of its first bytes.
  if (name.size() + tag.size() > kMostBytes) name.remove_prefix(std::min(name.size(), tag.size()));
  std::string address = home().prefix + "/" + tag + std::string(name);
  used_.push_back(address);
  return address;
}

std::vector<QueueInfo> BackendContract::listed() {
  std::vector<QueueInfo> infos = list(home().prefix);
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
  SendLoan loan = queue.loan(4);
  std::ranges::fill(loan.bytes(), std::byte{'L'});
  EXPECT_TRUE(queue.try_send("0")) << "a loan takes no room before it is sent";
  EXPECT_TRUE(queue.try_send("1"));
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
  EXPECT_EQ(text_of(taken.bytes()), "0");
  EXPECT_FALSE(queue.try_send("x")) << "the room of a message on loan was free at once";
  EXPECT_EQ(queue.receive().text(), "1");
  taken.put_back();
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"LLLL", "0"})) << "what is put back is sent anew";
}

void BackendContract::without_peek() {
  Queue queue = make(2, 64, "unseen");
  queue.send("x");
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { (void)queue.peek(); }));
  EXPECT_TRUE(says(sentence_of([&] { (void)queue.peek(); }), "peek", queue.name(), "docs/homes.md", "ENOTSUP"));
  std::error_code ec;
  EXPECT_TRUE(queue.peek(1, ec).empty());
  EXPECT_EQ(ec, Errc::unsupported);
  EXPECT_EQ(drained(queue), std::vector<std::string>{"x"});
}

void BackendContract::without_statistics() {
  Queue queue = make(2, 64, "uncounted");
  queue.send("x");
  EXPECT_TRUE(fails_with(Errc::unsupported, [&] { (void)queue.statistics(); }));
  std::error_code ec;
  EXPECT_EQ(queue.statistics(ec).messages_sent, 0u);
  EXPECT_EQ(ec, Errc::unsupported);
  const QueueInfo info = describe(at("uncounted"));
  EXPECT_FALSE(info.counted);
  EXPECT_EQ(info.statistics.messages_sent, 0u);
  EXPECT_EQ(info.memory_bytes, 0u);
  EXPECT_TRUE(info.users.empty());
  EXPECT_EQ(info.attributes.depth, 1u);
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

}  // namespace mqxx::test
