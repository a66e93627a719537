#include "faces.hpp"

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <dlfcn.h>
#include <fcntl.h>
#include <mqueue.h>

#include <mqxx/queue.hpp>

namespace mqxx::test {
namespace {

class Cpp : public Face {
 public:
  [[nodiscard]] std::string name() const override { return "Cpp"; }
  int create(const std::string& queue, mode_t mode) const override {
    return outcome([&](std::error_code& ec) { (void)Queue::create(queue, small(mode), ec); });
  }
  int open(const std::string& queue) const override {
    return outcome([&](std::error_code& ec) { (void)Queue::open(queue, {}, ec); });
  }
  int open_or_create(const std::string& queue) const override {
    return outcome([&](std::error_code& ec) { (void)Queue::open_or_create(queue, small(0600), ec); });
  }
  int pass_message(const std::string& queue) const override {
    return outcome([&](std::error_code& ec) {
      Queue opened = Queue::open(queue, {}, ec);
      if (ec) return;
      if (!opened.try_send("x") || !opened.try_receive()) ec = std::make_error_code(std::errc::io_error);
    });
  }
  int unlink(const std::string& queue) const override {
    return outcome([&](std::error_code& ec) { Queue::unlink(queue, ec); });
  }

 private:
  static OpenOptions small(mode_t mode) { return {.capacity = 2, .message_size = 64, .mode = mode}; }
  template <class Call>
  static int outcome(Call call) {
    std::error_code ec;
    call(ec);
    return ec ? ec.default_error_condition().value() : 0;
  }
};

#ifdef MQXX_POSIX_LIBRARY

template <class Function>
Function* symbol(const char* name) {
  static void* library = ::dlopen(MQXX_POSIX_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  void* found = library == nullptr ? nullptr : ::dlsym(library, name);
  if (found == nullptr) throw std::runtime_error(::dlerror());
  return reinterpret_cast<Function*>(found);
}

class Posix : public Face {
 public:
  [[nodiscard]] std::string name() const override { return "Posix"; }
  int create(const std::string& queue, mode_t mode) const override {
    return outcome(opened(queue, O_RDWR | O_CREAT | O_EXCL, mode));
  }
  int open(const std::string& queue) const override { return outcome(opened(queue, O_RDWR)); }
  int open_or_create(const std::string& queue) const override { return outcome(opened(queue, O_RDWR | O_CREAT)); }
  int pass_message(const std::string& queue) const override {
    const mqd_t descriptor = opened(queue, O_RDWR | O_NONBLOCK);
    if (descriptor < 0) return errno;
    std::array<char, 64> bytes{};
    const bool passed =
        symbol<decltype(::mq_send)>("mq_send")(descriptor, "x", 1, 0) == 0 &&
        symbol<decltype(::mq_receive)>("mq_receive")(descriptor, bytes.data(), bytes.size(), nullptr) == 1;
    const int error = passed ? 0 : errno;
    (void)outcome(descriptor);
    return error;
  }
  int unlink(const std::string& queue) const override {
    return symbol<decltype(::mq_unlink)>("mq_unlink")(queue.c_str()) == 0 ? 0 : errno;
  }

  static mqd_t opened(const std::string& queue, int flags, mode_t mode = 0600) {
    mq_attr attributes{};
    attributes.mq_maxmsg = 2;
    attributes.mq_msgsize = 64;
    return symbol<decltype(::mq_open)>("mq_open")(queue.c_str(), flags, mode, &attributes);
  }
  static int outcome(mqd_t descriptor) {
    if (descriptor < 0) return errno;
    return symbol<decltype(::mq_close)>("mq_close")(descriptor) == 0 ? 0 : errno;
  }
};

template <class Change>
int change(const std::string& queue, Change change, const std::function<void()>& between) {
  const mqd_t descriptor = Posix::opened(queue, O_RDWR);
  if (descriptor < 0) return errno;
  int error = change(descriptor) == 0 ? 0 : EINVAL;
  between();
  if (error == 0 && change(descriptor) != 0) error = errno;
  const int closed = Posix::outcome(descriptor);
  return error != 0 ? error : closed;
}

#endif

}  // namespace

const std::vector<const Face*>& faces() {
  static const Cpp cpp;
#ifdef MQXX_POSIX_LIBRARY
  static const Posix posix;
  static const std::vector<const Face*> all{&cpp, &posix};
#else
  static const std::vector<const Face*> all{&cpp};
#endif
  return all;
}

#ifdef MQXX_POSIX_LIBRARY

int change_mode(const std::string& queue, mode_t mode, const std::function<void()>& between) {
  return change(
      queue, [&](mqd_t fd) { return symbol<int(int, mode_t)>("fchmod")(fd, mode); }, between);
}

int change_owner(const std::string& queue, uid_t uid, gid_t gid, const std::function<void()>& between) {
  return change(
      queue, [&](mqd_t fd) { return symbol<int(int, uid_t, gid_t)>("fchown")(fd, uid, gid); }, between);
}

#else

int change_mode(const std::string&, mode_t, const std::function<void()>&) { return ENOSYS; }
int change_owner(const std::string&, uid_t, gid_t, const std::function<void()>&) { return ENOSYS; }

#endif

}  // namespace mqxx::test
