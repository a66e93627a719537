// Place: the files of one queue, by name and by inode, and how they go.
//
// Thread safety: all of it. Changing the environment is the program's affair.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.hpp"

namespace mqxx::shm {

/// The directory of all queues: MQXX_DIR where it is set and not empty, else /dev/shm. Read anew at every call.
std::string directory();
/// The file of a queue. Names too long to carry the prefix get a file named by their hash; the header has the whole
/// name.
std::string file_of(const std::string& name);
/// Whether it is one of those.
bool has_hashed_file(const std::string& name) noexcept;
/// Whether a directory entry may be a queue.
bool is_queue_file(const std::string& entry);

/// Where a queue is, whatever becomes of its name: the second link of its file, and its doorbell, both named by the
/// file's inode. They stay until the queue has no name and nobody has its doorbell open.
struct Place {
  std::string directory;
  std::uint64_t inode = 0;

  [[nodiscard]] std::string queue() const;
  [[nodiscard]] std::string bell() const;
};
/// The place that the file name of a doorbell speaks of, as the system tells it of an open descriptor.
Result<Place> place_of_bell(const std::string& path) noexcept;

/// Whether the queue whose second link this is has its name still.
bool has_name(const std::string& queue) noexcept;

/// The names of a queue that is just being created. Takes them away again unless it is told to keep them; that needs no
/// memory.
class NewNames {
 public:
  NewNames() noexcept = default;
  NewNames(const NewNames&) = delete;
  NewNames& operator=(const NewNames&) = delete;
  ~NewNames();
  void set(std::string name, std::string queue, std::string bell) noexcept;
  void keep() noexcept { name_.clear(); }

 private:
  std::string name_;  // paths
  std::string queue_;
  std::string bell_;
};

/// Takes the name away. What belongs to the queue goes with it, or with the last who has its doorbell open.
Result<void> remove(const std::string& name) noexcept;
/// For whoever just closed a doorbell that was abandoned. @return false: somebody has it open
bool remove_unused(const Place& place) noexcept;
/// Removes what processes left that were killed, of queues without a name, if it has not changed for so long.
void sweep(const std::string& directory, std::int64_t age_ns) noexcept;

}  // namespace mqxx::shm
