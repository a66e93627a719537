// Specimen: the file of a healthy queue with messages in it, to be damaged and put back as often as one likes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mqxx::test {

class Specimen {
 public:
  /// Reads the parts of the file that hold data; the rest are holes and read as zeros.
  explicit Specimen(std::filesystem::path path);

  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// Offset of the n-th byte that holds data, over all parts. REQUIRES: n < data_size().
  [[nodiscard]] std::uint64_t offset_of(std::uint64_t n) const;
  [[nodiscard]] std::uint64_t data_size() const;
  [[nodiscard]] unsigned char byte_at(std::uint64_t offset) const;

  /// Makes the file anew, as it was. An open queue goes on with the old one.
  void restore() const;

  /// Overwrites one byte of the file, in place: whoever has it mapped sees the change at once.
  void poke(std::uint64_t offset, unsigned char value) const;

 private:
  struct Part {
    std::uint64_t offset;
    std::string bytes;
  };
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  std::vector<Part> parts_;
};

}  // namespace mqxx::test
