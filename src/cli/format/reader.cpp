#include "cli/format/reader.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/format/json_text.hpp"
#include "cli/format/words.hpp"

namespace mqxx::cli {

RecordReader::RecordReader(Format format, Input& input, const Limits& limits)
    : BatchReader(input), format_(format), limits_(limits) {
  if (format == Format::json) decoded_.resize(kBatch);
}

std::span<const Outgoing> RecordReader::next() {
  return next_batch([this](Outgoing& message) { return read_record(message); });
}

RecordReader::Found RecordReader::read_record(Outgoing& message) {
  message.priority = limits_.priority;
  std::string_view record;
  Found found = Found::end;
  switch (format_) {
    case Format::raw: return read_raw(message);
    case Format::json: return read_json(message);
    case Format::length: return read_frame(message);
    case Format::lines: found = read_delimited('\n', limits_.message_size, record); break;
    case Format::nul: found = read_delimited('\0', limits_.message_size, record); break;
  }
  if (found == Found::message) message.payload = record;
  return found;
}

/// All of the input is one message, an empty one if there is none of it.
RecordReader::Found RecordReader::read_raw(Outgoing& message) {
  if (finished_) return Found::end;
  if (unread().size() > limits_.message_size) refuse_size();
  if (!at_end_) return Found::unfinished;
  message.payload = unread();
  taken_ += unread().size();
  finished_ = true;
  return Found::message;
}

/// What stands before the delimiter; the last record needs none.
RecordReader::Found RecordReader::read_delimited(char delimiter, std::size_t longest, std::string_view& record) {
  const std::string_view rest = unread();
  const std::size_t end = rest.find(delimiter, searched_);
  const bool ends = end != std::string_view::npos;
  if ((ends ? end : rest.size()) > longest) refuse_size();
  if (!ends && !at_end_) {
    searched_ = rest.size();
    return Found::unfinished;
  }
  if (!ends && rest.empty()) return Found::end;
  record = rest.substr(0, end);
  taken_ += record.size() + (ends ? 1 : 0);
  searched_ = 0;
  ++records_;
  return Found::message;
}

RecordReader::Found RecordReader::read_json(Outgoing& message) {
  constexpr std::string_view kBlanks = " \t\r";
  for (;;) {
    const std::size_t before = taken_;
    std::string_view line;
    const Found found = read_delimited('\n', longest_json(limits_.message_size), line);
    if (found != Found::message) return found;
    if (line.find_first_not_of(kBlanks) == line.npos) continue;
    std::string& bytes = decoded_[batch_.size()];
    try {
      parse_json(line, bytes, message.priority);
      if (bytes.size() <= limits_.message_size) {
        message.payload = bytes;
        return Found::message;
      }
    } catch (const BadJson& bad) {
      taken_ = before;
      --records_;
      refuse(bad.what());
    }
    taken_ = before;
    --records_;
    refuse_size();
  }
}

RecordReader::Found RecordReader::read_frame(Outgoing& message) {
  const std::string_view rest = unread();
  if (rest.empty() && at_end_) return Found::end;
  if (rest.size() < kFrameHeader) {
    if (!at_end_) return Found::unfinished;
    refuse(fmt::format("the input ends after {} of {} bytes of its header", rest.size(), kFrameHeader));
  }
  const auto size = word_at<std::uint32_t>(rest, 0);
  const auto priority = word_at<std::uint32_t>(rest, sizeof(std::uint32_t));
  if (priority > kMaxPriority) refuse(fmt::format("the priority is {}, the highest is {}", priority, kMaxPriority));
  if (size > limits_.message_size) refuse_size();
  if (rest.size() - kFrameHeader < size) {
    if (!at_end_) return Found::unfinished;
    refuse(fmt::format("the input ends after {} of {} bytes", rest.size() - kFrameHeader, size));
  }
  message = {rest.substr(kFrameHeader, size), priority};
  taken_ += kFrameHeader + size;
  ++records_;
  return Found::message;
}

std::string RecordReader::record_name() const {
  switch (format_) {
    case Format::raw: return input_.name();
    case Format::lines:
    case Format::json: return fmt::format("line {}", records_ + 1);
    case Format::length: return numbered_record();
    case Format::nul: break;
  }
  return fmt::format("record {}", records_ + 1);
}

void RecordReader::refuse(const std::string& why) const {
  throw BadRecord(fmt::format("{} is no message: {}", record_name(), why), false);
}

void RecordReader::refuse_size() const {
  throw BadRecord(
      fmt::format("{} is longer than the {} bytes that the queue takes", record_name(), limits_.message_size), true);
}

}  // namespace mqxx::cli
