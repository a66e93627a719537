// Two ways to be told of messages: a callback, and a signal that is asked for again before the queue is drained.
#include <csignal>
#include <future>
#include <iostream>

#include <mqxx/notification.hpp>

namespace {

void serve(const mqxx::Message& message) { std::cout << message.text() << '\n'; }

void by_callback() {
  mqxx::Queue orders = mqxx::Queue::create("/example-notification");
  std::promise<void> last;
  const mqxx::Subscription subscription = mqxx::on_message(orders, [&](mqxx::Queue& queue) {
    for (const mqxx::Message& message : queue.drain()) {
      serve(message);
      if (message.text() == "the bill, please") last.set_value();
    }
  });
  orders.send("two coffees");
  orders.send("the bill, please");
  last.get_future().wait();
  orders.unlink();
}

void by_signal() {
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr1, nullptr);  // waited for below, and not handled

  mqxx::Queue orders = mqxx::Queue::create("/example-notification");
  mqxx::SignalSubscription subscription(orders, SIGUSR1);
  for (const mqxx::Message& message : subscription.messages()) serve(message);  // registers, then takes
  orders.send("one tea");
  int signal = 0;
  sigwait(&usr1, &signal);
  for (const mqxx::Message& message : subscription.messages()) serve(message);
  orders.unlink();
}

}  // namespace

int main() {
  by_signal();  // while there is one thread: the signal is for whoever does not block it
  by_callback();
}
