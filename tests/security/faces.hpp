// Faces: the same attacks on the C++ API and on the calls of <mqueue.h>.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace mqxx::test {

/// What a program does with a queue, one call each; 0 or the errno that the call means. Names begin with a slash.
class Face {
 public:
  Face() = default;
  Face(const Face&) = delete;
  Face& operator=(const Face&) = delete;
  virtual ~Face() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  virtual int create(const std::string& queue, mode_t mode) const = 0;  ///< fails when there is one
  virtual int open(const std::string& queue) const = 0;                 ///< for both; closed again
  virtual int open_or_create(const std::string& queue) const = 0;
  /// Opens it, sends a message, and has it back.
  virtual int pass_message(const std::string& queue) const = 0;
  virtual int unlink(const std::string& queue) const = 0;
};

/// The C++ API, and libmqxx-posix.so where this build has it.
const std::vector<const Face*>& faces();

/// fchmod and fchown on a descriptor of a queue, before and after `between`: the errno of the second, or EINVAL when
/// the first failed. ENOSYS where there is no libmqxx-posix.so.
int change_mode(const std::string& queue, mode_t mode, const std::function<void()>& between);
int change_owner(const std::string& queue, uid_t uid, gid_t gid, const std::function<void()>& between);

}  // namespace mqxx::test
