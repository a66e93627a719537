// JSON text: one message as one line of JSON, written and read. What is written reads back as the same message.
//
//   {"priority":3,"text":"two coffees"}       bytes that are UTF-8
//   {"priority":0,"base64":"//4AAQ=="}        others
//
// Read are objects with "text" or "base64", and "priority" where it is not the default; any other key is refused, for
// it would be lost.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include <mqxx/types.hpp>

namespace mqxx::cli {

/// Appends the message and a newline.
void append_json(std::string_view bytes, Priority priority, std::string& out);

/// A text that is no message: what() says why, as a part of a sentence.
struct BadJson : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Replaces `bytes` by those of the message, and `priority` where the text has one. @throws BadJson
void parse_json(std::string_view text, std::string& bytes, Priority& priority);

/// The most bytes that the text of a message of so many bytes has, however it is escaped, with some blanks.
[[nodiscard]] constexpr std::size_t longest_json(std::size_t message_size) {
  constexpr std::size_t kEscape = 6;    // one byte as \u0000
  constexpr std::size_t kAround = 256;  // keys, quotes, the priority
  return kEscape * message_size + kAround;
}

}  // namespace mqxx::cli
