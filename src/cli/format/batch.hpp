// Batch: what those who read messages from a stream have in common. They are read in batches of those that are there,
// and stand in the input until the next batch is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <mqxx/types.hpp>

#include "cli/input.hpp"

namespace mqxx::cli {

/// The first record that is no message, after all those before it were read. what() says which and why.
struct BadRecord : std::runtime_error {
  BadRecord(const std::string& what, bool is_too_long) : std::runtime_error(what), too_long(is_too_long) {}
  bool too_long;  ///< more than a message may have; else it is half there, or not as the format wants it
};

class BatchReader {
 public:
  static constexpr std::size_t kBatch = 512;

 protected:
  /// What the front of the unread bytes is.
  enum class Found : std::uint8_t { message, unfinished, end };

  explicit BatchReader(Input& input) : input_(input) { batch_.reserve(kBatch); }

  /// The next messages: at least one, and at most kBatch of those that are there without waiting; none at the end.
  /// @param read_record  answers a Found and fills in an Outgoing; throws BadRecord, which leaves this call when it is
  ///                     the first, and is otherwise met again, when those before it are done with
  template <class ReadRecord>
  [[nodiscard]] std::span<const Outgoing> next_batch(ReadRecord read_record) {
    begin_anew();
    batch_.clear();
    while (batch_.empty()) {
      Outgoing message;
      Found found = Found::message;
      try {
        while (batch_.size() < kBatch && (found = read_record(message)) == Found::message) batch_.push_back(message);
      } catch (const BadRecord&) {
        if (batch_.empty()) throw;
        return batch_;
      }
      if (!batch_.empty() || found == Found::end) break;
      begin_anew();  // behind what is no message, as empty lines are
      at_end_ = !input_.more();
    }
    return batch_;
  }

  [[nodiscard]] std::string_view unread() const { return input_.unread().substr(taken_); }
  /// "record 3 at byte 47": the one that is next.
  [[nodiscard]] std::string numbered_record() const;

  Input& input_;
  std::vector<Outgoing> batch_;
  std::size_t taken_ = 0;      // bytes of this batch in the input
  std::uint64_t records_ = 0;  // before this one
  bool at_end_ = false;

 private:
  void begin_anew() {
    input_.take(taken_);
    taken_ = 0;
  }
};

}  // namespace mqxx::cli
