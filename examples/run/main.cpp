// mqxx-run: the main job. A real file, taken apart by producers, put together again by consumers, over two kinds of
// queue.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "crew.hpp"
#include "options.hpp"
#include "round.hpp"
#include "text.hpp"
#include "transport.hpp"

namespace run {
namespace {

/// One kind of queue, what it sends, and how long each round took.
struct Lane {
  std::unique_ptr<Transport> transport;
  Plan plan;
  std::vector<double> seconds;
};

/// About a million lines, but not more than 64 MiB in a round.
std::uint64_t measurable_repeat(const Text& text) {
  constexpr std::uint64_t kLines = 1'000'000;
  constexpr std::uint64_t kBytes = std::uint64_t{64} << 20;
  const std::uint64_t repeat = std::min(kLines / text.lines().size(), kBytes / text.bytes().size());
  return std::max<std::uint64_t>(repeat, 1);
}

/// What a round keeps for its proof must fit into memory.
void require_memory(const Text& text, const Options& options) {
  constexpr double kMost = 4096;
  constexpr double kPerMessage = 64;
  const double bytes =
      static_cast<double>(text.bytes().size()) + kPerMessage * static_cast<double>(text.lines().size());
  const double mebibytes = bytes * static_cast<double>(options.repeat) / (1 << 20);
  if (mebibytes <= kMost) return;
  throw std::runtime_error(
      fmt::format("--repeat {}: the proof of a round would need {:.0f} MiB, and {:.0f} is the most", options.repeat,
                  mebibytes, kMost));
}

/// The longest line that travels in one piece through mqxx: what every queue of the library can be made for.
constexpr std::size_t kLongestPiece = std::size_t{64} << 20;

Lane make_lane(std::unique_ptr<Transport> transport, const Text& text, const Options& options,
               std::size_t longest_piece) {
  return {std::move(transport), Plan(text, options.repeat, longest_piece, options.producers, options.priorities), {}};
}

/// Adds the kernel's lane, and lowers the capacity of both to what it grants: the same work under the same conditions.
void add_kernel_lane(std::vector<Lane>& lanes, const Text& text, Options& options) {
  auto transport = make_kernel_transport();
  const std::size_t longest = std::min(text.longest_line(), kLongestPiece);
  Shape granted;
  try {
    granted = transport->probe({.capacity = options.capacity, .message_size = sizeof(Header) + longest});
  } catch (const std::exception& error) {
    fmt::print("note: {}; so there is nothing to compare with\n", error.what());
    return;
  }
  if (granted.capacity != options.capacity) {
    fmt::print("note: the kernel grants a capacity of {} instead of {}; both queues get that (--no-kernel for more)\n",
               granted.capacity, options.capacity);
    options.capacity = granted.capacity;
  }
  const std::size_t longest_piece = granted.message_size - sizeof(Header);
  if (longest_piece < text.longest_line()) {
    fmt::print("note: the kernel grants messages of {} bytes, so it gets longer lines in parts\n",
               granted.message_size);
  }
  lanes.push_back(make_lane(std::move(transport), text, options, longest_piece));
}

void describe(const Text& text, const Options& options) {
  fmt::print("{}: {} lines, {} bytes, the longest line {}; sent {} times a round\n", options.file, text.lines().size(),
             text.bytes().size(), text.longest_line(), options.repeat);
  fmt::print("{} producers, {} consumers, capacity {}, {} priorities, {} rounds\n", options.producers,
             options.consumers, options.capacity, options.priorities, options.rounds);
}

void run_lane(Lane& lane, const Options& options, std::uint32_t round) {
  const std::string title = fmt::format("{:<6} round {} of {}", lane.transport->label(), round + 1, options.rounds);
  const double seconds = run_round(*lane.transport, lane.plan, options, title);
  lane.seconds.push_back(seconds);
  fmt::print("{}  {} messages in {:.3f} s: {:.2f} M messages/s; each arrived once, whole, in order\n", title,
             lane.plan.messages(), seconds, static_cast<double>(lane.plan.messages()) / seconds / 1e6);
  std::fflush(stdout);
}

struct Spread {
  double median, least, most;
};

Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

void print_result(const std::vector<Lane>& lanes, const Options& options) {
  fmt::print("\nThe file was put together again from what arrived and is the same, byte by byte, in every round.\n");
  for (const Lane& lane : lanes) {
    std::vector<double> rates;
    for (const double seconds : lane.seconds)
      rates.push_back(static_cast<double>(lane.plan.messages()) / seconds / 1e6);
    const Spread rate = spread(rates);
    fmt::print("{:<6} {:6.2f} M messages/s  (median of {}; {:.2f} .. {:.2f})\n", lane.transport->label(), rate.median,
               options.rounds, rate.least, rate.most);
  }
  if (lanes.size() < 2) return;
  // By time and not by messages: where the kernel needed more messages for long lines, the work is still the same file.
  std::vector<double> ratios;
  for (std::uint32_t round = 0; round < options.rounds; ++round) {
    ratios.push_back(lanes[1].seconds[round] / lanes[0].seconds[round]);
  }
  const Spread ratio = spread(ratios);
  fmt::print("ratio  {:6.2f}                (median of {}; {:.2f} .. {:.2f})\n", ratio.median, options.rounds,
             ratio.least, ratio.most);
}

void run(Options options) {
  if (options.file.empty()) throw std::runtime_error("no large text file found here; name one");
  const Text text(options.file);
  if (options.repeat == 0) options.repeat = measurable_repeat(text);
  require_memory(text, options);
  std::vector<Lane> lanes;
  lanes.push_back(make_lane(make_mqxx_transport(), text, options, kLongestPiece));
  if (options.kernel) add_kernel_lane(lanes, text, options);
  describe(text, options);
  for (std::uint32_t round = 0; round < options.rounds; ++round) {
    for (Lane& lane : lanes) run_lane(lane, options, round);
  }
  print_result(lanes, options);
}

}  // namespace
}  // namespace run

int main(int argc, char** argv) {
  int status = 0;
  try {
    const auto options = run::parse_options(argc, argv, status);
    if (!options) return status;
    const run::Signals held;
    run::run(*options);
    return 0;
  } catch (const run::Interrupted& interrupted) {
    run::Signals::end_by(interrupted.signal);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "mqxx-run: {}\n", error.what());
    return 1;
  }
}
