// What the document of the Rust crate posixmq shows: open, send, receive by priority, ask how many are left; and with
// an event loop, mio there, until the queue would block.
#include <iostream>
#include <string_view>
#include <thread>
#include <vector>

#include <mqxx/event_loop.hpp>
#include <mqxx/queue.hpp>

namespace {

constexpr const char* kName = "/hello_posixmq";

void send_a_couple() {
  auto mq = mqxx::Queue::open_or_create(kName);
  mq.send("message");
  mq.send("queue");       // equal priorities are received in order
  mq.send("Hello,", 10);  // a higher one is received first
}

void receive_them() {
  auto mq = mqxx::Queue::open(kName, {.access = mqxx::Access::read_only});
  mq.unlink();  // nobody need open it again; it lives until its last user closes it
  std::vector<std::byte> buffer(mq.attributes().message_size);
  for (int i = 0; i < 3; ++i) {
    const mqxx::Received received = mq.receive(buffer);
    const std::string_view text(reinterpret_cast<const char*>(buffer.data()), received.size);
    std::cout << text << " (priority " << received.priority << ")\n";
  }
  // The number is out of date as soon as one looks at it; better is to ask for a message and be told that there is
  // none.
  std::cout << mq.attributes().depth << " messages are left\n";
  if (!mq.try_receive()) std::cout << "really none\n";
}

void receive_in_a_loop() {
  auto receiver = mqxx::Queue::create("/mio-example", {.capacity = 4, .message_size = 100, .exclusive = false});
  std::jthread sender([] { mqxx::Queue::open("/mio-example").send("async"); });
  mqxx::EventLoop loop;
  loop.on_readable(receiver, [&](mqxx::Queue& ready) {
    while (const auto message = ready.try_receive()) std::cout << message->text() << '\n';
    loop.stop();
  });
  loop.run();
  receiver.unlink();
}

}  // namespace

int main() {
  send_a_couple();
  receive_them();
  receive_in_a_loop();
}
