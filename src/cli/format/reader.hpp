// RecordReader: the messages in a stream, in batches of those that are there, without a copy where the format allows
// it. A record is what the format makes of one message.
//
// Nothing of a record is given away before all of it is there and good. Whoever goes on after an exception gets it
// again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <mqxx/types.hpp>

#include "cli/format/format.hpp"
#include "cli/input.hpp"

namespace mqxx::cli {

/// The first record that is no message, after all those before it were read. what() says which and why.
struct BadRecord : std::runtime_error {
  BadRecord(const std::string& what, bool is_too_long) : std::runtime_error(what), too_long(is_too_long) {}
  bool too_long;  ///< more than a message may have; else it is half there, or not as the format wants it
};

class RecordReader {
 public:
  struct Limits {
    std::size_t message_size = 0;  ///< most bytes of a message
    Priority priority = 0;         ///< of messages whose record has none
  };

  RecordReader(Format format, Input& input, const Limits& limits);

  /// The next messages: at least one, and at most kBatch of those that are there without waiting; none at the end.
  /// Valid until the next call. @throws BadRecord, Complaint (it cannot be read)
  [[nodiscard]] std::span<const Outgoing> next();

  static constexpr std::size_t kBatch = 512;

 private:
  /// What the front of the unread bytes is.
  enum class Found : std::uint8_t { message, unfinished, nothing };

  Found read_record(Outgoing& message);
  Found read_raw(Outgoing& message);
  Found read_delimited(char delimiter, std::size_t longest, std::string_view& record);
  Found read_json(Outgoing& message);
  Found read_frame(Outgoing& message);
  [[nodiscard]] std::string_view unread() const { return input_.unread().substr(taken_); }
  [[nodiscard]] std::string record_name() const;
  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void refuse_size() const;

  Format format_;
  Input& input_;
  Limits limits_;
  std::vector<Outgoing> batch_;
  std::vector<std::string> decoded_;  // bytes of messages that do not stand in the input as they are
  std::size_t taken_ = 0;             // bytes of this batch in the input
  std::size_t searched_ = 0;          // behind those: bytes in which no delimiter is
  std::uint64_t records_ = 0;         // before this one, among lines also empty ones
  bool at_end_ = false;
  bool finished_ = false;  // raw: the one message was given
};

}  // namespace mqxx::cli
