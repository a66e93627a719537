// NewFile: a file that appears under its name when it is whole, or not at all. What was there under the name stays
// until then. A name that is no regular file (a device, a FIFO), or none at all, which means standard output, is
// written as it is.
#pragma once

#include <string>
#include <string_view>

namespace mqxx::cli {

class NewFile {
 public:
  /// @param path  "" or "-": standard output. @throws Complaint
  explicit NewFile(std::string path);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  /// Takes away what was not committed.
  ~NewFile();

  /// @throws Complaint, BrokenPipe
  void write(std::string_view bytes);
  /// All is on the disk, and the name is its. @throws Complaint
  void commit();
  [[nodiscard]] bool is_stdout() const { return path_.empty(); }
  /// Whether it appears as a whole.
  [[nodiscard]] bool is_regular() const { return !temporary_.empty(); }
  /// For messages.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  [[noreturn]] void fail(const char* what, int error) const;

  std::string path_;
  std::string name_;
  std::string temporary_;
  int descriptor_ = -1;
};

}  // namespace mqxx::cli
