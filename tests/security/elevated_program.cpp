// Started by elevated_test.cpp as a setuid program is: says where it looks for queues, and fails when the system does
// not call it elevated or its caller's MQXX_DIR has not come along.
#include <cstdio>
#include <cstdlib>

#include <sys/auxv.h>

#include <mqxx/inspect.hpp>

int main() {
  if (::getauxval(AT_SECURE) == 0 || std::getenv("MQXX_DIR") == nullptr) return EXIT_FAILURE;
  std::puts(mqxx::queue_directory().c_str());
  return EXIT_SUCCESS;
}
