#include "support/private_directory.hpp"

#include <cerrno>
#include <system_error>

#include <stdlib.h>
#include <sys/stat.h>

namespace mqxx::test {
namespace {

constexpr const char* kVariable = "MQXX_DIR";

}  // namespace

PrivateDirectory::PrivateDirectory() {
  const char* const base = ::getenv("MQXX_TEST_DIR");
  std::string name = base == nullptr ? "/dev/shm" : base;
  name += "/mqxx-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
  }
  path_ = name;
  if (const char* before = ::getenv(kVariable)) previous_ = before;
  ::setenv(kVariable, path_.c_str(), 1);
}

PrivateDirectory::~PrivateDirectory() {
  std::error_code ignored;  // a destructor; what is left over lies under a name that says whose it is
  std::filesystem::remove_all(path_, ignored);
  if (previous_) {
    ::setenv(kVariable, previous_->c_str(), 1);
  } else {
    ::unsetenv(kVariable);
  }
}

void PrivateDirectory::share_with_everybody() const {
  if (::chmod(path_.c_str(), 01777) != 0) {
    throw std::system_error(errno, std::generic_category(), "chmod " + path_.string());
  }
}

std::size_t PrivateDirectory::file_count() const {
  const auto entries = std::filesystem::directory_iterator(path_);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

std::filesystem::path PrivateDirectory::queue_file() const {
  std::filesystem::path found;
  std::uintmax_t largest = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    if (!entry.is_regular_file() || entry.file_size() <= largest) continue;
    largest = entry.file_size();
    found = entry.path();
  }
  if (found.empty()) throw std::runtime_error("no queue file in " + path_.string());
  return found;
}

}  // namespace mqxx::test
