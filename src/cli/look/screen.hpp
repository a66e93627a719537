// Screen: the terminal while it is drawn upon, and given back as it was however mq ends.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace mqxx::cli {

/// How a line is drawn; plain where colours are not wanted (NO_COLOR) or not to be had.
enum class Look { plain, heading, warning, dim };

struct Line {
  std::string text;
  Look look = Look::plain;
};

struct Key {
  enum class Kind { none, letter, enter, erase, escape, up, down, resized };
  Kind kind = Kind::none;
  char letter = 0;
};

class Screen {
 public:
  /// nullopt where standard output is no terminal, or none that can be drawn upon.
  static std::optional<Screen> open();
  Screen(Screen&& other) noexcept;
  Screen& operator=(Screen&&) = delete;
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen();

  [[nodiscard]] int width() const;
  [[nodiscard]] int height() const;
  /// Whether it shows more than ASCII.
  [[nodiscard]] bool shows_blocks() const { return blocks_; }
  /// One line each from the top; what does not fit is not drawn.
  void draw(const std::vector<Line>& lines) const;
  /// Waits for a key; Kind::none when the time passed first. A signal that ends programs ends this one here, with the
  /// terminal given back.
  [[nodiscard]] Key wait_for_key(std::chrono::milliseconds timeout);

 private:
  Screen() = default;
  void give_back() noexcept;

  bool open_ = false;
  bool blocks_ = false;
};

}  // namespace mqxx::cli
