// Archive: the messages of a queue as a file, which `mq save` writes and `mq load` reads. docs/formats.md has the bytes
// for others. All numbers are little-endian; a checksum is that of everything in front of it and, in a record, of the
// bytes.
//
//   0         8         12        16          24              32        36        40
//   +---------+---------+---------+-----------+---------------+---------+---------+
//   | mqxxsave| version | 0       | capacity  | message size  | 0       | checksum|  header
//   +---------+---------+---------+-----------+---------------+---------+---------+
//
//   0         4         8         12
//   +---------+---------+---------+-------------- - -
//   | length  | priority| checksum| the bytes            a record: one message
//   +---------+---------+---------+-------------- - -
//
// The last record has the length 0xffffffff and the priority 0; its bytes are the number of messages, in 8 bytes. A
// file without it is half a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <mqxx/types.hpp>

#include "cli/format/batch.hpp"

namespace mqxx::cli {

inline constexpr std::uint32_t kArchiveVersion = 1;

/// What the header says of the queue that was saved.
struct ArchiveHeader {
  std::uint64_t capacity = 0;
  std::uint64_t message_size = 0;
};

void append_archive_header(const ArchiveHeader& header, std::string& out);
void append_archive_record(std::string_view bytes, Priority priority, std::string& out);
void append_archive_end(std::uint64_t messages, std::string& out);

class ArchiveReader : private BatchReader {
 public:
  /// Reads the header. @throws BadRecord  this is no archive, or one of a later version; Complaint
  explicit ArchiveReader(Input& input);

  [[nodiscard]] const ArchiveHeader& header() const { return header_; }
  /// Refuses messages of more bytes than this from now on.
  void limit(std::size_t message_size) { longest_ = message_size; }

  /// The next messages, all of them good: at least one; none at the end. Valid until the next call.
  /// @throws BadRecord  after all the messages before it were read
  [[nodiscard]] std::span<const Outgoing> next();

 private:
  Found read_record(Outgoing& message);
  void read_end(std::string_view bytes);

  ArchiveHeader header_;
  std::uint64_t longest_ = 0;
  bool ended_ = false;
};

}  // namespace mqxx::cli
