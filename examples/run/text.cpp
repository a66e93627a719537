#include "text.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

#include <mqxx/types.hpp>

namespace run {
namespace {

/// The proof needs about three times the memory of what is sent.
constexpr std::size_t kLargestText = std::size_t{1} << 30;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes;
  std::string some(std::size_t{1} << 20, '\0');
  while (file && bytes.size() <= kLargestText) {
    file.read(some.data(), static_cast<std::streamsize>(some.size()));
    bytes.append(some, 0, static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof() && bytes.size() <= kLargestText) {
    throw std::runtime_error(fmt::format("read '{}': {}", path, std::generic_category().message(errno)));
  }
  return bytes;
}

}  // namespace

Text::Text(const std::string& path) : bytes_(read_file(path)) {
  if (bytes_.empty())
    throw std::runtime_error(fmt::format("read '{}': it is empty, so there is nothing to send", path));
  if (bytes_.size() > kLargestText) {
    throw std::runtime_error(fmt::format("read '{}': it has more than {} bytes", path, kLargestText));
  }
  for (std::string_view rest = bytes_; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n') == rest.npos ? rest.npos : rest.find('\n') + 1);
    lines_.push_back(line);
    longest_line_ = std::max(longest_line_, line.size());
    rest.remove_prefix(line.size());
  }
}

Plan::Plan(const Text& text, std::uint64_t repeat, std::size_t longest_piece, std::uint32_t producers,
           std::uint32_t priorities)
    : text_(text.bytes()),
      repeat_(repeat),
      producers_(producers),
      priorities_(priorities),
      priority_step_(priorities > 1 ? mqxx::kMaxPriority / (priorities - 1) : 0) {
  for (std::string_view line : text.lines()) {
    while (!line.empty()) {
      const std::string_view piece = line.substr(0, longest_piece);
      pieces_.push_back(piece);
      longest_piece_ = std::max(longest_piece_, piece.size());
      line.remove_prefix(piece.size());
    }
  }
}

std::uint32_t Plan::level_of(std::uint64_t number) const {
  std::uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15U;  // splitmix64
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
  return static_cast<std::uint32_t>((mixed ^ (mixed >> 31)) % priorities_);
}

}  // namespace run
