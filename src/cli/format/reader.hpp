// RecordReader: the messages in a stream, in batches of those that are there, without a copy where the format allows
// it. A record is what the format makes of one message.
//
// Nothing of a record is given away before all of it is there and good. Whoever goes on after an exception gets it
// again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mqxx/types.hpp>

#include "cli/format/batch.hpp"
#include "cli/format/format.hpp"

namespace mqxx::cli {

class RecordReader : private BatchReader {
 public:
  struct Limits {
    std::size_t message_size = 0;  ///< most bytes of a message
    Priority priority = 0;         ///< of messages whose record has none
  };

  RecordReader(Format format, Input& input, const Limits& limits);

  /// The next messages: at least one, and at most kBatch of those that are there without waiting; none at the end.
  /// Valid until the next call. @throws BadRecord, Complaint (it cannot be read)
  [[nodiscard]] std::span<const Outgoing> next();

 private:
  Found read_record(Outgoing& message);
  Found read_raw(Outgoing& message);
  Found read_delimited(char delimiter, std::size_t longest, std::string_view& record);
  Found read_json(Outgoing& message);
  Found read_frame(Outgoing& message);
  [[nodiscard]] std::string record_name() const;
  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void refuse_size() const;

  Format format_;
  Limits limits_;
  std::vector<std::string> decoded_;  // bytes of messages that do not stand in the input as they are
  std::size_t searched_ = 0;          // bytes behind those of this batch in which no delimiter is
  bool finished_ = false;             // raw: the one message was given
};

}  // namespace mqxx::cli
