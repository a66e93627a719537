// Pipeline: lines are read, counted and added up by three stages, with a small queue between each. Queues that are
// full hold back the stage in front of them, so a slow stage slows the others down instead of filling the memory.
#include <chrono>
#include <cstddef>
#include <iostream>
#include <string>
#include <thread>

#include <mqxx/queue.hpp>

namespace {

constexpr int kLines = 50;
constexpr const char* kEnd = "";

/// Sends lines as fast as the next stage takes them; tells how often it had to wait.
int read(mqxx::Queue& lines) {
  int held_back = 0;
  for (int i = 1; i <= kLines; ++i) {
    const std::string line(static_cast<std::size_t>(i), '*');
    if (lines.try_send(line)) continue;
    ++held_back;
    lines.send(line);
  }
  lines.send(kEnd);
  return held_back;
}

/// The slow one.
void count(mqxx::Queue& lines, mqxx::Queue& counts) {
  for (const auto& line : lines.messages()) {
    if (line.empty()) break;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    counts.send(std::to_string(line.size()));
  }
  counts.send(kEnd);
}

int add_up(mqxx::Queue& counts) {
  int sum = 0;
  for (const auto& count : counts.messages()) {
    if (count.empty()) break;
    sum += std::stoi(std::string(count.text()));
  }
  return sum;
}

}  // namespace

int main() {
  const mqxx::OpenOptions small{.capacity = 4, .message_size = 64, .exclusive = false};
  auto lines = mqxx::Queue::create("/pipeline-example-lines", small);
  auto counts = mqxx::Queue::create("/pipeline-example-counts", small);

  // Threads for the sake of one page; processes would open the queues by name, and change nothing else.
  int held_back = 0;
  int sum = 0;
  {
    std::jthread reader([&] { held_back = read(lines); });
    std::jthread counter([&] { count(lines, counts); });
    sum = add_up(counts);
  }
  std::cout << "the lines have " << sum << " characters\n";
  std::cout << "at most " << lines.statistics().high_water << " lines were queued\n";
  std::cout << "the reader was " << (held_back > 0 ? "held back\n" : "never held back\n");
  lines.unlink();
  counts.unlink();
}
