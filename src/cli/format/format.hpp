// Format: how messages stand one behind the other in a stream of bytes. docs/formats.md is the page for users.
//   raw      the bytes and nothing else: on the way in one message, on the way out where one ends is not to be seen
//   lines    a newline behind each; one that holds a newline becomes two
//   nul      a NUL behind each; one that holds a NUL becomes two
//   json     an object a line, {"priority":3,"text":"..."}, or "base64" where the bytes are no UTF-8
//   length   4 bytes of length and 4 of priority in front of each, little-endian
// json and length keep every message as it is, with its priority.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <mqxx/types.hpp>

#include "cli/cli11.hpp"

namespace mqxx::cli {

enum class Format : std::uint8_t { raw, lines, nul, json, length };

/// Bytes in front of each message of `length`.
inline constexpr std::size_t kFrameHeader = 8;

/// Declares --format, and --lines as the short form of `--format lines`.
struct FormatOptions {
  const CLI::Option* format;
  const CLI::Option* lines;
};
FormatOptions add_format(CLI::App& app, Format& format);

/// What stands around the bytes of a message in every format but json.
struct Surroundings {
  std::array<char, kFrameHeader> header{};
  std::size_t header_size = 0;
  std::string_view trailer;

  [[nodiscard]] std::string_view before() const { return {header.data(), header_size}; }
};
[[nodiscard]] Surroundings surroundings(Format format, std::size_t size, Priority priority);

/// Appends the message as the format writes it.
void encode(Format format, std::span<const std::byte> bytes, Priority priority, std::string& out);

}  // namespace mqxx::cli
