#include "cli/format/format.hpp"

#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/format/json_text.hpp"
#include "cli/format/words.hpp"

namespace mqxx::cli {
namespace {

constexpr std::array<std::pair<std::string_view, Format>, 5> kFormats{{
    {"raw", Format::raw},
    {"lines", Format::lines},
    {"nul", Format::nul},
    {"json", Format::json},
    {"length", Format::length},
}};

}  // namespace

FormatOptions add_format(CLI::App& app, Format& format) {
  auto* by_name = app.add_option_function<std::string>(
      "-f,--format",
      [&format](const std::string& text) {
        for (const auto& [name, value] : kFormats) {
          if (text != name) continue;
          format = value;
          return;
        }
        throw CLI::ValidationError("--format", fmt::format("'{}' is none of raw, lines, nul, json, length", text));
      },
      "raw, lines, nul, json or length: how messages are told apart");
  by_name->type_name("FORMAT");
  auto* lines = app.add_flag_callback(
      "-l,--lines", [&format] { format = Format::lines; }, "The same as --format lines");
  lines->excludes(by_name);
  return {by_name, lines};
}

Surroundings surroundings(Format format, std::size_t size, Priority priority) {
  using std::string_view_literals::operator""sv;
  Surroundings around;
  if (format == Format::lines) around.trailer = "\n"sv;
  if (format == Format::nul) around.trailer = "\0"sv;
  if (format == Format::length) {
    put_word(static_cast<std::uint32_t>(size), around.header.data());
    put_word(priority, around.header.data() + sizeof(std::uint32_t));
    around.header_size = kFrameHeader;
  }
  return around;
}

void encode(Format format, std::span<const std::byte> bytes, Priority priority, std::string& out) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (format == Format::json) {
    append_json(text, priority, out);
    return;
  }
  const Surroundings around = surroundings(format, bytes.size(), priority);
  out.append(around.before()).append(text).append(around.trailer);
}

}  // namespace mqxx::cli
