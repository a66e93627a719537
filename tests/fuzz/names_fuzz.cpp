// Names and addresses: any bytes where a queue is named, in the C++ interface and in mq_open. A name means one queue in
// the queues' directory, or is refused.
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <mqueue.h>
#include <sys/stat.h>

#include <mqxx/inspect.hpp>
#include <mqxx/queue.hpp>

#include "base/address.hpp"
#include "fuzz/bytes.hpp"
#include "posix/descriptors.hpp"
#include "shm/segment.hpp"
#include "support/private_directory.hpp"

namespace mqxx::fuzz {
namespace {

constexpr std::size_t kMostName = 600;

const test::PrivateDirectory& directory() {
  static const test::PrivateDirectory made;
  return made;
}

void require_sentence(const Error& error) {
  const std::string_view sentence = error.what();
  require(!sentence.empty(), "an error says something");
  for (const char c : sentence) require(static_cast<unsigned char>(c) >= 0x20, "and says it in one line");
}

/// What is created under a name is found under it, listed, and removed.
void through_the_interface(const std::string& name) {
  const Result<Address> address = parse_address(name);
  const bool here = static_cast<bool>(address);
  if (here && address->home != Home::shm) return;  // the whole machine's
  try {
    Queue made = Queue::create(name, {.capacity = 2, .message_size = 8});
    require(here, "a queue is made only where an address leads here");
    require(made.name() == address->name, "it has the name of the address");
    require(made.try_send("x"), "it takes a message");
    require(Queue::open(made.name()).receive().text() == "x", "which comes out under its name");
    require(describe(name).name == made.name(), "it can be described");
    const auto all = list();
    require(all.size() == 1 && all[0].name == made.name(), "it is listed");
    Queue::unlink(name);
  } catch (const Error& error) {
    require_sentence(error);
    require(!here || error.code() != Errc::invalid_name, "a good name is not refused");
    require(!here || directory().file_count() == 0, "what fails leaves nothing");
  }
  try {
    (void)check(name);
    require(false, "there is nothing to check");
  } catch (const Error& error) {
    require_sentence(error);
  }
}

/// The same for the drop-in, whose rules are Linux's.
void through_the_drop_in(const std::string& name, int flags) {
  mq_attr attributes{};
  attributes.mq_maxmsg = 2;
  attributes.mq_msgsize = 8;
  errno = 0;
  const mqd_t made = ::mq_open(name.c_str(), flags | O_CREAT, 0600, &attributes);
  if (made < 0) {
    require(errno == EINVAL || errno == ENOENT || errno == EACCES || errno == ENAMETOOLONG, "as Linux refuses a name");
    require(::mq_unlink(name.c_str()) != 0, "what cannot be made cannot be removed");
    return;
  }
  require(name[0] == '/' && std::strchr(name.c_str() + 1, '/') == nullptr, "names have one slash, in front");
  require(::mq_getattr(made, &attributes) == 0 && attributes.mq_maxmsg == 2, "it is what was made");
  require(::mq_unlink(name.c_str()) == 0, "it can be removed");
  // What mq_close comes to where the drop-in stands in front of close(2).
  require(posix::close_entry(made) == 0, "and closed");
}

}  // namespace
}  // namespace mqxx::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mqxx::fuzz;
  (void)directory();
  Bytes input(data, size);
  constexpr int kFlags[] = {O_RDWR, O_RDONLY, O_WRONLY | O_NONBLOCK, O_RDWR | O_EXCL, O_RDWR | O_CLOEXEC};
  const int flags = kFlags[input.below(5)];
  // A short input can say a long name.
  const std::size_t repeated = input.byte();
  std::string name = input.rest().substr(0, kMostName);
  if (repeated > 127 && !name.empty()) name.append(repeated, name.back());
  through_the_interface(name);
  through_the_drop_in(name, flags);
  (void)mqxx::shm::place_of_bell(name);
  require(directory().file_count() == 0, "nothing is left");
  return 0;
}
