#include "cli/format/archive.hpp"

#include <array>

#include <fmt/format.h>
#include <zlib.h>

#include "cli/format/words.hpp"

namespace mqxx::cli {
namespace {

using Word = std::uint32_t;
using LongWord = std::uint64_t;

constexpr std::string_view kMagic = "mqxxsave";
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kCapacityAt = 16;
constexpr std::size_t kMessageSizeAt = 24;
constexpr std::size_t kHeaderChecksumAt = 36;
constexpr std::size_t kHeader = 40;

constexpr std::size_t kPriorityAt = 4;
constexpr std::size_t kChecksumAt = 8;
constexpr std::size_t kRecordHeader = 12;
constexpr Word kEndMark = 0xffffffff;

/// CRC-32 as gzip has it. @param before  the checksum of what stands in front of the bytes, or 0
Word checksum_of(std::string_view bytes, Word before = 0) {
  if (bytes.empty()) return before;  // zlib takes a text that is nowhere for the wish to begin
  return static_cast<Word>(::crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

void append_record(Word length, std::string_view bytes, Priority priority, std::string& out) {
  std::array<char, kRecordHeader> header{};
  put_word(length, header.data());
  put_word(priority, header.data() + kPriorityAt);
  const Word checksum = checksum_of(bytes, checksum_of({header.data(), kChecksumAt}));
  put_word(checksum, header.data() + kChecksumAt);
  out.append(header.data(), header.size()).append(bytes);
}

}  // namespace

void append_archive_header(const ArchiveHeader& header, std::string& out) {
  std::array<char, kHeader> bytes{};
  kMagic.copy(bytes.data(), kMagic.size());
  put_word(kArchiveVersion, bytes.data() + kVersionAt);
  put_word(header.capacity, bytes.data() + kCapacityAt);
  put_word(header.message_size, bytes.data() + kMessageSizeAt);
  put_word(checksum_of({bytes.data(), kHeaderChecksumAt}), bytes.data() + kHeaderChecksumAt);
  out.append(bytes.data(), bytes.size());
}

void append_archive_record(std::string_view bytes, Priority priority, std::string& out) {
  append_record(static_cast<Word>(bytes.size()), bytes, priority, out);
}

void append_archive_end(std::uint64_t messages, std::string& out) {
  std::array<char, sizeof(LongWord)> bytes{};
  put_word(messages, bytes.data());
  append_record(kEndMark, {bytes.data(), bytes.size()}, 0, out);
}

ArchiveReader::ArchiveReader(Input& input) : BatchReader(input) {
  while (input_.unread().size() < kHeader && input_.more()) {
  }
  const std::string_view bytes = input_.unread();
  if (!bytes.starts_with(kMagic)) throw BadRecord(fmt::format("{} was not written by 'mq save'", input.name()), false);
  const auto version = bytes.size() < kCapacityAt ? kArchiveVersion : word_at<Word>(bytes, kVersionAt);
  if (version != kArchiveVersion) {
    throw BadRecord(fmt::format("{} has version {}, this mq reads version {}", input.name(), version, kArchiveVersion),
                    false);
  }
  if (bytes.size() < kHeader) throw BadRecord(fmt::format("{} ends in its header", input.name()), false);
  if (word_at<Word>(bytes, kHeaderChecksumAt) != checksum_of(bytes.substr(0, kHeaderChecksumAt))) {
    throw BadRecord(fmt::format("the header of {} is damaged", input.name()), false);
  }
  header_ = {word_at<LongWord>(bytes, kCapacityAt), word_at<LongWord>(bytes, kMessageSizeAt)};
  longest_ = header_.message_size;
  input_.take(kHeader);
}

std::span<const Outgoing> ArchiveReader::next() {
  return next_batch([this](Outgoing& message) { return read_record(message); });
}

ArchiveReader::Found ArchiveReader::read_record(Outgoing& message) {
  const std::string_view rest = unread();
  if (ended_) {
    if (!rest.empty()) throw BadRecord(fmt::format("{} goes on behind its end", input_.name()), false);
    return at_end_ ? Found::end : Found::unfinished;
  }
  const bool has_header = rest.size() >= kRecordHeader;
  const Word length = has_header ? word_at<Word>(rest, 0) : 0;
  const std::size_t size = length == kEndMark ? sizeof(LongWord) : length;
  if (length != kEndMark && length > longest_) {
    const bool possible = length <= header_.message_size;
    throw BadRecord(possible
                        ? fmt::format("{} is {} bytes, the queue takes at most {}", numbered_record(), length, longest_)
                        : fmt::format("{} is damaged: its length is {}", numbered_record(), length),
                    possible);
  }
  if (!has_header || rest.size() - kRecordHeader < size) {
    if (!at_end_) return Found::unfinished;
    throw BadRecord(fmt::format("{} is half a file: it ends in {}", input_.name(), numbered_record()), false);
  }
  const std::string_view bytes = rest.substr(kRecordHeader, size);
  const auto priority = word_at<Word>(rest, kPriorityAt);
  const Word checksum = checksum_of(bytes, checksum_of(rest.substr(0, kChecksumAt)));
  if (checksum != word_at<Word>(rest, kChecksumAt) || priority > kMaxPriority) {
    throw BadRecord(fmt::format("{} is damaged", numbered_record()), false);
  }
  if (length == kEndMark) {
    read_end(bytes);
    taken_ += kRecordHeader + size;
    return read_record(message);
  }
  taken_ += kRecordHeader + size;
  ++records_;
  message = {bytes, priority};
  return Found::message;
}

void ArchiveReader::read_end(std::string_view bytes) {
  const auto messages = word_at<LongWord>(bytes, 0);
  if (messages != records_) {
    throw BadRecord(fmt::format("{} has {} messages, its end says {}", input_.name(), records_, messages), false);
  }
  ended_ = true;
}

}  // namespace mqxx::cli
