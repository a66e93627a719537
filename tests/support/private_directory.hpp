// PrivateDirectory: a queue directory of its own for one test, gone afterwards.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace mqxx::test {

/// Makes a fresh directory on /dev/shm (the only place where queues are sure to work: a memory file system), or where
/// MQXX_TEST_DIR says, and points MQXX_DIR to it. The destructor removes it with all that is inside and restores
/// MQXX_DIR.
/// Not thread-safe: environment variables are not.
class PrivateDirectory {
 public:
  PrivateDirectory();
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;
  ~PrivateDirectory();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Lets every user create queues in it, as in /dev/shm itself.
  void share_with_everybody() const;

  /// How many files are in it: "nothing was created" is a promise of every failing create.
  [[nodiscard]] std::size_t file_count() const;

  /// The largest regular file in it: that of the queue, when there is one queue. Tests that damage queues
  /// need it, and must not know how the engine forms file names.
  [[nodiscard]] std::filesystem::path queue_file() const;

 private:
  std::filesystem::path path_;
  std::optional<std::string> previous_;
};

}  // namespace mqxx::test
