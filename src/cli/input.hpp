// Input: messages from standard input, never more of it in memory than one message may have.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mqxx::cli {

/// All of standard input. Stops early, with longest + 1 bytes, when there is more than a message may have.
[[nodiscard]] std::string read_all(std::size_t longest);

/// Standard input line by line, each as soon as it is there.
class LineReader {
 public:
  /// A line that is longer comes back cut to longest + 1 bytes, and nothing may be read after it.
  explicit LineReader(std::size_t longest) : longest_(longest) {}

  /// The next line without its newline; a last line needs none. nullopt at the end.
  [[nodiscard]] std::optional<std::string> next();

 private:
  std::size_t longest_;
  std::array<char, 65536> buffer_{};
  std::string_view unread_;
};

}  // namespace mqxx::cli
