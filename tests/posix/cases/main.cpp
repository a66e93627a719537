// mqxx_posix_cases: the cases of the oracle. `--list` prints "id<TAB>equal|difference<TAB>sentence" for each;
// an id runs that case, whose trace is its output. Exit status 0, or the case could not do its work.

#include <csignal>
#include <cstdio>
#include <cstring>
#include <set>
#include <string>

#include <sys/prctl.h>

#include "trace.hpp"

namespace {

std::string id_of(const Case& entry) { return std::string(entry.call) + "." + std::to_string(entry.number); }

int list() {
  std::set<std::string> seen;
  for (const Case* entry = first_case(); entry != last_case(); ++entry) {
    const std::string id = id_of(*entry);
    if (!seen.insert(id).second) {
      std::fprintf(stderr, "two cases are called %s\n", id.c_str());
      return 1;
    }
    std::printf("%s\t%s\t%s\n", id.c_str(), entry->differs ? "difference" : "equal", entry->sentence);
  }
  return 0;
}

int run(const char* id) {
  for (const Case* entry = first_case(); entry != last_case(); ++entry) {
    if (id_of(*entry) != id) continue;
    queue_name();  // children must inherit it, and not make up one each
    entry->body();
    remove_queues();
    return 0;
  }
  std::fprintf(stderr, "there is no case %s\n", id);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) return list();
  if (argc == 3 && std::strcmp(argv[1], "--part") == 0) {
    run_part(argv[2]);
    return 0;
  }
  if (argc == 2) return run(argv[1]);
  std::fprintf(stderr, "usage: mqxx_posix_cases --list | ID\n");
  return 2;
}
