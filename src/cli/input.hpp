// Input: a stream of bytes, read in large pieces into one buffer, in which whoever takes messages out of it finds them
// in place. It grows with what is asked of it and not with what is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mqxx::cli {

class Input {
 public:
  /// Reads from the descriptor, which stays its owner's. @param name  for messages: "standard input", "orders.save"
  Input(int descriptor, std::string name);

  /// What was read and not taken yet. Valid until the next more().
  [[nodiscard]] std::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }
  /// REQUIRES: no more than unread() has.
  void take(std::size_t size) { begin_ += size; }
  /// Adds what is there now to unread(), and waits when that is nothing. @return false at the end
  /// @throws Complaint  it cannot be read
  bool more();

  /// Bytes that were taken.
  [[nodiscard]] std::uint64_t taken() const { return read_ - (end_ - begin_); }
  /// What a regular file still has to give from here on; 0 where nobody knows.
  [[nodiscard]] std::uint64_t expected() const;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool is_terminal() const;

 private:
  int descriptor_;
  std::string name_;
  std::size_t size_;
  std::unique_ptr<char[]> buffer_;  // uninitialised: a queue may have very large messages
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t read_ = 0;
};

}  // namespace mqxx::cli
