#include "input/specimen.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace mqxx::test {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

class File {
 public:
  File(const std::filesystem::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    if (fd_ < 0) fail("open");
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(fd_); }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Specimen::Specimen(std::filesystem::path path) : path_(std::move(path)) {
  const File file(path_, O_RDONLY);
  size_ = static_cast<std::uint64_t>(::lseek(file.fd(), 0, SEEK_END));
  off_t hole = 0;
  for (;;) {
    const off_t data = ::lseek(file.fd(), hole, SEEK_DATA);
    if (data < 0) break;  // ENXIO: only a hole is left
    hole = ::lseek(file.fd(), data, SEEK_HOLE);
    Part part{static_cast<std::uint64_t>(data), std::string(static_cast<std::size_t>(hole - data), '\0')};
    if (::pread(file.fd(), part.bytes.data(), part.bytes.size(), data) < 0) fail("pread");
    parts_.push_back(std::move(part));
  }
}

std::uint64_t Specimen::data_size() const {
  std::uint64_t size = 0;
  for (const Part& part : parts_) size += part.bytes.size();
  return size;
}

std::uint64_t Specimen::offset_of(std::uint64_t n) const {
  for (const Part& part : parts_) {
    if (n < part.bytes.size()) return part.offset + n;
    n -= part.bytes.size();
  }
  throw std::out_of_range("Specimen::offset_of");
}

unsigned char Specimen::byte_at(std::uint64_t offset) const {
  for (const Part& part : parts_) {
    if (offset >= part.offset && offset - part.offset < part.bytes.size()) {
      return static_cast<unsigned char>(part.bytes[offset - part.offset]);
    }
  }
  return 0;
}

void Specimen::restore() const {
  std::filesystem::remove(path_);
  const File file(path_, O_WRONLY | O_CREAT | O_EXCL);
  if (::ftruncate(file.fd(), static_cast<off_t>(size_)) != 0) fail("ftruncate");
  for (const Part& part : parts_) {
    if (::pwrite(file.fd(), part.bytes.data(), part.bytes.size(), static_cast<off_t>(part.offset)) < 0) fail("pwrite");
  }
}

void Specimen::poke(std::uint64_t offset, unsigned char value) const {
  const File file(path_, O_WRONLY);
  if (::pwrite(file.fd(), &value, 1, static_cast<off_t>(offset)) != 1) fail("pwrite");
}

}  // namespace mqxx::test
