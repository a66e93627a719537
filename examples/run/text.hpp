// Text: the file that is taken apart. Plan: into which messages, who sends each, and with which priority.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace run {

class Text {
 public:
  /// @throws std::runtime_error  it cannot be read, is empty or is too large
  explicit Text(const std::string& path);

  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  /// Each with its newline, so that together they are the file.
  [[nodiscard]] const std::vector<std::string_view>& lines() const { return lines_; }
  [[nodiscard]] std::size_t longest_line() const { return longest_line_; }

 private:
  std::string bytes_;
  std::vector<std::string_view> lines_;
  std::size_t longest_line_ = 0;
};

/// In front of the line in every message.
struct Header {
  std::uint64_t number;  ///< of the message in its round; kEnd tells a consumer to stop
  std::uint32_t producer;
  std::uint32_t priority;
};

inline constexpr std::uint64_t kEnd = ~std::uint64_t{0};

class Plan {
 public:
  /// @param repeat        how often the file is sent
  /// @param longest_piece lines that are longer are split
  Plan(const Text& text, std::uint64_t repeat, std::size_t longest_piece, std::uint32_t producers,
       std::uint32_t priorities);

  [[nodiscard]] std::uint64_t messages() const { return pieces_.size() * repeat_; }
  [[nodiscard]] std::uint64_t repeat() const { return repeat_; }
  [[nodiscard]] std::uint64_t pieces() const { return pieces_.size(); }
  [[nodiscard]] std::size_t longest_message() const { return sizeof(Header) + longest_piece_; }
  [[nodiscard]] std::string_view text() const { return text_; }

  /// The line, or the part of a long line, that message `number` carries.
  [[nodiscard]] std::string_view piece(std::uint64_t number) const { return pieces_[number % pieces_.size()]; }
  [[nodiscard]] std::uint32_t producers() const { return producers_; }
  [[nodiscard]] std::uint32_t producer_of(std::uint64_t number) const {
    return static_cast<std::uint32_t>(number % producers_);
  }
  [[nodiscard]] std::uint32_t priorities() const { return priorities_; }
  /// 0 .. priorities - 1, as if thrown, but the same in every process.
  [[nodiscard]] std::uint32_t level_of(std::uint64_t number) const;
  /// The levels spread over all that a queue has.
  [[nodiscard]] std::uint32_t priority_of(std::uint64_t number) const { return level_of(number) * priority_step_; }

 private:
  std::string_view text_;
  std::vector<std::string_view> pieces_;
  std::uint64_t repeat_;
  std::size_t longest_piece_ = 0;
  std::uint32_t producers_;
  std::uint32_t priorities_;
  std::uint32_t priority_step_;
};

}  // namespace run
