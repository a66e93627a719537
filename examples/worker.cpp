// Worker: takes jobs on loan, reads them in place, and releases each only when its work is done. If this process dies
// in between, the job returns to the queue and another worker gets it: no job is lost.
#include <chrono>
#include <iostream>
#include <string_view>

#include <unistd.h>

#include <mqxx/queue.hpp>

namespace {

bool do_work(std::string_view job) {
  std::cout << "worker " << ::getpid() << ": " << job << '\n';
  return !job.empty();
}

}  // namespace

int main() {
  auto jobs = mqxx::Queue::open_or_create("/jobs-example", {.capacity = 100, .message_size = 1 << 20});
  jobs.send("resize picture 1");
  jobs.send("resize picture 2");

  // A worker that has seen no job for a tenth of a second goes home.
  while (auto job = jobs.receive_loan(mqxx::Wait::for_duration(std::chrono::milliseconds(100)))) {
    const auto bytes = job.bytes();
    if (do_work({reinterpret_cast<const char*>(bytes.data()), bytes.size()})) {
      job.release();
    } else {
      job.put_back();  // it goes to whoever asks next
    }
  }
  jobs.unlink();
}
