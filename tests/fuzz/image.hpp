// Image: the file of one queue, put back as it was before each input, and then patched by the input.
//
// Inputs do not hold images, which are megabytes of holes, but patches: where, how wide, and what. The engine's own
// layout says where something is, so that a byte of input reaches any field.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <mqxx/queue.hpp>

#include "fuzz/bytes.hpp"
#include "shm/layout.hpp"

namespace mqxx::fuzz {

inline constexpr const char* kName = "/q";

/// What the queue was before somebody spoilt it.
enum class State : std::uint8_t { run, sorted, on_loan, full, watched };

struct Kind {
  std::uint32_t capacity;
  std::uint32_t message_size;
  State state;
};
inline constexpr Kind kKinds[] = {
    {4, 16, State::run},   {16, 64, State::sorted},  {64, 256, State::on_loan}, {5, 9000, State::on_loan},
    {17, 64, State::full}, {3, 5000, State::sorted}, {4, 64, State::watched},   {1, 1, State::full},
};

/// One store that somebody makes in the file.
struct Poke {
  std::uint64_t offset = 0;
  std::uint32_t width = 1;  // 1, 2, 4 or 8, and the offset is a multiple of it
  std::uint64_t value = 0;
};

class Image {
 public:
  /// The image of that kind as it was made. There is one queue at a time: the last one that was asked for.
  static Image& fresh(std::size_t kind);

  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  ~Image();

  /// The next patch that the input describes.
  [[nodiscard]] Poke next_poke(Bytes& input) const;
  /// The patch that would undo that one.
  [[nodiscard]] Poke as_it_is(const Poke& poke) const;
  /// Carries it out, through a mapping that no queue knows. A lock is never given to a living thread (poke_lock()).
  void poke(const Poke& poke) const;
  /// Claims another capacity and message size, and is as long as they want.
  void claim_geometry(std::uint32_t capacity, std::uint32_t message_size);

  [[nodiscard]] const shm::Geometry& geometry() const { return geometry_; }

 private:
  explicit Image(const Kind& kind);
  void read_parts();
  void restore();
  [[nodiscard]] bool still_named() const;
  [[nodiscard]] std::uint64_t next_offset(Bytes& input, std::uint32_t width) const;
  [[nodiscard]] std::uint64_t next_value(Bytes& input, std::uint64_t before) const;
  [[nodiscard]] std::uint64_t at(std::uint64_t offset, std::uint32_t width) const;

  struct Part {
    std::uint64_t offset;
    std::string bytes;
  };
  shm::Geometry geometry_;
  int fd_ = -1;
  std::byte* memory_ = nullptr;
  std::vector<Part> parts_;
};

}  // namespace mqxx::fuzz
