// Board: what mq top shows, as lines of text for a screen of a given size. No terminal is needed to make them.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "cli/look/sample.hpp"
#include "cli/look/screen.hpp"

namespace mqxx::cli {

/// Depths that are kept, and drawn.
inline constexpr std::size_t kHistory = 20;

/// Less than this is told to the user instead of drawn upon.
inline constexpr int kLeastWidth = 60;
inline constexpr int kLeastHeight = 6;

enum class Order { name, depth, full, sent, received };
[[nodiscard]] const char* word_of(Order order);
[[nodiscard]] Order next_order(Order order);

/// What the keys have changed.
struct View {
  Order order = Order::name;
  bool reversed = false;
  bool paused = false;
  bool typing = false;  ///< the filter
  bool help = false;
  std::string filter;     ///< part of a name
  std::size_t first = 0;  ///< rows scrolled away
  std::chrono::milliseconds interval = std::chrono::seconds(1);
};

struct Size {
  int width = 0;
  int height = 0;
};

/// Those that the filter lets through, in the order of the view.
[[nodiscard]] std::vector<const Sampled*> chosen(const std::vector<Sampled>& queues, const View& view);

/// @param blocks  whether the screen shows more than ASCII
[[nodiscard]] std::vector<Line> board_of(const std::vector<Sampled>& queues, const View& view, Size size, bool blocks);

/// The same of a queue without a screen: one line, and the line of headings for it.
[[nodiscard]] std::string plain_headings();
[[nodiscard]] std::string plain_line(const Sampled& queue);

}  // namespace mqxx::cli
