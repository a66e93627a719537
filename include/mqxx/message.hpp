// Message: one received message that owns its bytes.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <mqxx/types.hpp>

namespace mqxx {

/// Owns the bytes of one message. Move-only.
class Message {
 public:
  Message() = default;  ///< no bytes
  /// @param size bytes, left uninitialised until somebody writes them
  Message(std::size_t size, Priority priority)
      : data_(size == 0 ? nullptr : std::make_unique_for_overwrite<std::byte[]>(size)),
        size_(size),
        priority_(priority) {}
  /// Copies the bytes.
  Message(std::span<const std::byte> bytes, Priority priority) : Message(bytes.size(), priority) {
    if (!bytes.empty()) std::memcpy(data_.get(), bytes.data(), bytes.size());
  }

  /// Takes over memory whose first `size` bytes are the message.
  Message(std::unique_ptr<std::byte[]> data, std::size_t size, Priority priority) noexcept
      : data_(std::move(data)), size_(size), priority_(priority) {}

  /// What was sent. No NUL stands behind a text; bytes() of a message that is not const may be written to.
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_.get(), size_}; }
  [[nodiscard]] std::span<std::byte> bytes() { return {data_.get(), size_}; }
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(data_.get()), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] Priority priority() const { return priority_; }

 private:
  std::unique_ptr<std::byte[]> data_;
  std::size_t size_ = 0;
  Priority priority_ = 0;
};

}  // namespace mqxx
