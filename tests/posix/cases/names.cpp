// Names: which are good, and what the others give. All calls that take a name agree.

#include <string>

#include "strangers.hpp"
#include "trace.hpp"

namespace {

void trace_name(const char* what, const char* name) {
  trace("%s", what);
  const mqd_t created = traced_descriptor("  create", ::mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, nullptr));
  const mqd_t opened = traced_descriptor("  open", ::mq_open(name, O_RDWR | O_NONBLOCK));
  if (created != -1 && opened != -1) {
    traced("  send", ::mq_send(created, "x", 1, 0));
    trace_receive(opened);
  }
  if (created != -1) ::mq_close(created);
  if (opened != -1) ::mq_close(opened);
  traced("  unlink", ::mq_unlink(name));
  traced_descriptor("  open", ::mq_open(name, O_RDWR));
}

/// "/" and so many bytes, the first of which nobody else has.
std::string name_of(std::size_t bytes, char last = 'z') {
  std::string name = queue_name();
  name.resize(bytes + 1, 'x');
  name.back() = last;
  return name;
}

}  // namespace

POSIX_TEST(names, 1, "without a slash in front, or empty: EINVAL") {
  trace_name("empty", "");
  trace_name("no slash", "noslash");
  trace_name("slash later", "no/slash");
  trace_name("dot", ".");
}

POSIX_TEST(names, 2, "a slash alone: ENOENT, also with O_CREAT") { trace_name("/", "/"); }

POSIX_TEST(names, 3, "a second slash: EACCES") {
  for (const char* name : {"//", "///", "/a/b", "/a/", "//a", "/a//b", "/../a"}) trace_name(name, name);
}

POSIX_TEST(names, 4, "/. and /..: EACCES; three dots and more are a name") {
  for (const char* name : {"/.", "/..", "/...", "/....", "/.mqxx-test"}) trace_name(name, name);
}

POSIX_TEST(names, 5, "255 bytes after the slash are good, 256 are ENAMETOOLONG, as is any more") {
  trace_name("1 byte", "/\x02");
  trace_name("240 bytes", name_of(240).c_str());
  trace_name("250 bytes", name_of(250).c_str());
  trace_name("254 bytes", name_of(254).c_str());
  trace_name("255 bytes", name_of(255).c_str());
  trace_name("256 bytes", name_of(256).c_str());
  trace_name("1000 bytes", name_of(1000).c_str());
  trace_name("4094 bytes", name_of(4094).c_str());
  trace_name("4095 bytes", name_of(4095).c_str());
  trace_name("100000 bytes", name_of(100'000).c_str());
}

POSIX_TEST(names, 6, "two names that differ in the last of 255 bytes are two queues") {
  const std::string first = name_of(255, 'a');
  const std::string second = name_of(255, 'b');
  mq_attr attributes = attributes_of(2, 8);
  const mqd_t one = ::mq_open(first.c_str(), O_RDWR | O_CREAT, 0600, &attributes);
  attributes = attributes_of(3, 9);
  const mqd_t two = ::mq_open(second.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  trace_attributes("first", one);
  trace_attributes("second", two);
  traced("unlink", ::mq_unlink(first.c_str()));
  traced_descriptor("the other is there", ::mq_open(second.c_str(), O_RDWR));
  traced("unlink", ::mq_unlink(second.c_str()));
}

POSIX_TEST(names, 7, "every byte but NUL and slash is good") {
  const std::string base = queue_name();
  for (int byte = 1; byte < 256; ++byte) {
    if (byte == '/') continue;
    const std::string name = base + static_cast<char>(byte) + "end" + static_cast<char>(byte);
    const mqd_t created = ::mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, nullptr);
    const mqd_t opened = ::mq_open(name.c_str(), O_RDWR);
    if (created == -1 || opened == -1) trace("byte %d: %s", byte, error_name(errno));
    ::mq_close(created);
    ::mq_close(opened);
    if (::mq_unlink(name.c_str()) != 0) trace("unlink, byte %d: %s", byte, error_name(errno));
  }
  trace("done");
}

POSIX_TEST(names, 8, "spaces, newlines, dashes, dots, percent signs and UTF-8, in front and behind") {
  for (const char* text : {" ", "\n", "-", "--help", "%", "%2f", "%s", "~", "\\", "'", "\"", "$HOME", "*", "\xc3\xa4",
                           "\xff", "\x01", ":", ";", "#"}) {
    const std::string name = "/" + std::string(text) + (queue_name() + 1) + text;
    const mqd_t queue = ::mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, nullptr);
    traced_descriptor(text[0] == '\n' || text[0] == '\x01' ? "control" : text, queue);
    ::mq_close(queue);
    traced("unlink", ::mq_unlink(name.c_str()));
  }
}

POSIX_TEST(names, 9, "upper and lower case are two names") {
  open_named("-Case", O_RDWR, 2, 2);
  trace_attributes("lower", open_named("-case", O_RDWR, 3, 3));
  trace_attributes("upper", open_named("-Case", O_RDWR));
}

POSIX_TEST(names, 10, "names that only look related are separate queues") {
  open_queue(O_RDWR, 1, 1);
  long size = 2;
  for (const char* suffix :
       {".lock", ".fifo", ".bell", ".door", ".tmp", ".new", "~", ".0", ".1", ".d", "!", "@", "+", "="}) {
    mq_attr attributes{};
    ::mq_getattr(open_named(suffix, O_RDWR | O_EXCL, 1, size), &attributes);
    traced(suffix, attributes.mq_msgsize);
    ++size;
  }
  trace_attributes("the first", ::mq_open(queue_name(), O_RDWR));
}

POSIX_TEST(names, 11, "no slash comes before too long (EINVAL), a second slash too (EACCES)") {
  const std::string too_long = name_of(300);
  trace_name("no slash", too_long.c_str() + 1);
  trace_name("second slash", (too_long + "/b").c_str());
  trace_name("second slash in front", ("/" + too_long).c_str());
}

POSIX_TEST(names, 12, "too long comes before missing: ENAMETOOLONG, not ENOENT; two slashes come before it too") {
  const std::string too_long = name_of(256);
  traced_descriptor("open", ::mq_open(too_long.c_str(), O_RDONLY));
  traced("unlink", ::mq_unlink(too_long.c_str()));
  traced_descriptor("open /missing/b", ::mq_open("/missing/b", O_RDONLY));
  traced("unlink /missing/b", ::mq_unlink("/missing/b"));
}

POSIX_TEST(names, 13, "a name is compared to its end: a prefix is another queue") {
  ::mq_close(open_named("-long"));
  traced_descriptor("shorter", ::mq_open(queue_name("-lon"), O_RDWR));
  traced_descriptor("longer", ::mq_open(queue_name("-long1"), O_RDWR));
  traced_descriptor("itself", ::mq_open(queue_name("-long"), O_RDWR));
}
