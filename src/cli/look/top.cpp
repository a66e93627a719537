// mq top: all queues on a live screen; where there is no screen, as lines.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/look/board.hpp"
#include "cli/look/homes.hpp"
#include "cli/look/sample.hpp"
#include "cli/look/screen.hpp"
#include "cli/output.hpp"
#include "cli/values.hpp"

namespace mqxx::cli {
namespace {

using Clock = Sampler::Clock;
using Milliseconds = std::chrono::milliseconds;

constexpr Milliseconds kShortest{100};
constexpr Milliseconds kLongest{3'600'000};

struct Wanted {
  std::string home;
  std::uint64_t count = 0;  ///< looks, 0: without end
  bool plain = false;
  View view;
};

class Top {
 public:
  Top(const Wanted& wanted, Sampler& sampler, Screen& screen)
      : wanted_(wanted), view_(wanted.view), sampler_(sampler), screen_(screen) {}

  void run() {
    for (std::uint64_t looks = 0;;) {
      if (Clock::now() >= due_) {
        if (!view_.paused) sampler_.take(list_homes(wanted_.home, Unlistable::passed_over), Clock::now());
        due_ = Clock::now() + view_.interval;
        if (++looks == wanted_.count) return;
      }
      screen_.draw(board_of(sampler_.queues(), view_, {screen_.width(), screen_.height()}, screen_.shows_blocks()));
      const auto left = std::chrono::ceil<Milliseconds>(due_ - Clock::now());
      const Key key = screen_.wait_for_key(std::max(left, Milliseconds(0)));
      if (view_.typing ? !type(key) : !press(key)) return;
    }
  }

 private:
  /// Into the filter. @return whether to go on
  bool type(const Key& key) {
    switch (key.kind) {
      case Key::Kind::letter: view_.filter += key.letter; break;
      case Key::Kind::erase:
        if (!view_.filter.empty()) view_.filter.pop_back();
        break;
      case Key::Kind::escape: view_.filter.clear(); [[fallthrough]];
      case Key::Kind::enter: view_.typing = false; break;
      default: break;
    }
    view_.first = 0;
    return true;
  }

  bool press(const Key& key) {
    if (key.kind == Key::Kind::none || key.kind == Key::Kind::resized) return true;
    if (key.kind == Key::Kind::letter && key.letter == 'q') return false;
    if (view_.help) {
      view_.help = false;
      return true;
    }
    if (key.kind == Key::Kind::up && view_.first > 0) --view_.first;
    if (key.kind == Key::Kind::down) scroll_down();
    if (key.kind == Key::Kind::letter) press(key.letter);
    return true;
  }

  void press(char letter) {
    switch (letter) {
      case 's': view_.order = next_order(view_.order); break;
      case 'r': view_.reversed = !view_.reversed; break;
      case '/': view_.typing = true; break;
      case ' ':
      case 'p': view_.paused = !view_.paused; break;
      case '+': view_.interval = std::min(view_.interval * 2, kLongest); break;
      case '-': view_.interval = std::max(view_.interval / 2, kShortest); break;
      case 'h':
      case '?': view_.help = true; break;
      default: break;
    }
  }

  void scroll_down() {
    const std::size_t rows = chosen(sampler_.queues(), view_).size();
    if (view_.first + 1 < rows) ++view_.first;
  }

  const Wanted& wanted_;
  View view_;
  Sampler& sampler_;
  Screen& screen_;
  Clock::time_point due_ = Clock::now() + view_.interval;
};

/// A block of lines for each look, the first after one interval, for only then there are rates.
Status plain(const Wanted& wanted, Sampler& sampler) {
  for (std::uint64_t looks = 0; looks < wanted.count || wanted.count == 0; ++looks) {
    std::this_thread::sleep_for(wanted.view.interval);
    sampler.take(list_homes(wanted.home, Unlistable::passed_over), Clock::now());
    std::string text = plain_headings();
    for (const Sampled* queue : chosen(sampler.queues(), wanted.view)) text += plain_line(*queue);
    write_out(text + '\n');
  }
  return Status::done;
}

Status top(const Wanted& wanted) {
  Sampler sampler(kHistory);
  sampler.take(list_homes(wanted.home), Clock::now());  // before there is a screen that a complaint would spoil
  if (!wanted.plain) {
    std::optional<Screen> screen = Screen::open();
    if (screen) {
      Top(wanted, sampler, *screen).run();
      return Status::done;
    }
  }
  return plain(wanted, sampler);
}

Order order_of(const std::string& text) {
  for (const Order order : {Order::name, Order::depth, Order::full, Order::sent, Order::received}) {
    if (text == word_of(order)) return order;
  }
  throw CLI::ValidationError("--sort", "'" + text + "' is none of name, depth, full, sent, received");
}

void add_interval(CLI::App& app, Wanted& wanted) {
  app.add_option_function<std::string>(
         "-i,--interval",
         [&wanted](const std::string& text) {
           const auto interval = parse_duration(text);
           if (!interval || *interval < kShortest || *interval > kLongest) {
             throw CLI::ValidationError("--interval", "'" + text + "' is no time from 100ms to 1h");
           }
           wanted.view.interval = std::chrono::duration_cast<Milliseconds>(*interval);
         },
         "How often it looks (default 1s)")
      ->type_name("TIME");
}

}  // namespace

Run declare_top(CLI::App& app) {
  auto wanted = std::make_shared<Wanted>();
  add_home(app, wanted->home);
  add_interval(app, *wanted);
  add_count(app, "-n,--count", "End after so many looks", {.least = 1}, wanted->count);
  app.add_option_function<std::string>(
         "-s,--sort", [wanted](const std::string& text) { wanted->view.order = order_of(text); },
         "name (default), depth, full, sent or received")
      ->type_name("ORDER");
  app.add_option("-f,--filter", wanted->view.filter, "Only queues with these letters in their name")
      ->type_name("LETTERS");
  app.add_flag("-b,--plain", wanted->plain, "Lines instead of a screen, as where there is no terminal");
  app.footer(
      "Keys: q quits, s sorts by something else, r reverses, / filters, space pauses, + and - change the interval, h\n"
      "helps. SENT/s and RECV/s are the messages since the last look; queues of the kernel do not count them.\n\n"
      "Examples:\n"
      "  mq top\n"
      "  mq top --sort full --filter orders\n"
      "  mq top --plain --count 3 --interval 500ms\n");
  return [wanted] { return top(*wanted); };
}

}  // namespace mqxx::cli
