#!/bin/sh
# The tree obeys its include table, and layers.sh finds what does not: each way of breaking the rule is planted in a
# scratch copy and must be reported by name.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

sh "$here/layers.sh" "$root"
sh "$here/portable.sh" "$root"

fresh_copy() {
  rm -rf "$scratch/tree"
  mkdir -p "$scratch/tree/docs" "$scratch/tree/examples" "$scratch/tree/bench"
  cp "$root/docs/design.md" "$scratch/tree/docs/"
  cp -R "$root/include" "$root/src" "$scratch/tree/"
  mkdir -p "$scratch/tree/src/os/linux" "$scratch/tree/src/shm" "$scratch/tree/src/api" "$scratch/tree/src/cli"
  echo '#pragma once' >"$scratch/tree/src/shm/planted.hpp"
  echo '#pragma once' >"$scratch/tree/src/os/linux/planted.hpp"
  echo '#pragma once' >"$scratch/tree/include/mqxx/planted.hpp"
}

# plant FILE LINE EXPECTED [CHECK]: with LINE at the end of FILE, CHECK (layers.sh) fails and says EXPECTED.
plant() {
  fresh_copy
  mkdir -p "$scratch/tree/$(dirname "$1")"
  printf '%s\n' "$2" >>"$scratch/tree/$1"
  if sh "$here/${4-layers.sh}" "$scratch/tree" >"$scratch/said" 2>&1; then
    echo "not noticed: '$2' in $1"
    exit 1
  fi
  if ! grep -qF "$3" "$scratch/said"; then
    echo "'$2' in $1 should be reported as '$3', but this was said:"
    cat "$scratch/said"
    exit 1
  fi
}

fresh_copy
sh "$here/layers.sh" "$scratch/tree" >/dev/null

plant src/base/up.cpp '#include "shm/planted.hpp"' 'src/base/up.cpp:1: layer base may not include src/shm/planted.hpp'
plant src/base/up.cpp '#include <shm/planted.hpp>' 'layer base may not include src/shm/planted.hpp'
plant src/base/up.cpp '  #  include "shm/planted.hpp"' 'layer base may not include src/shm/planted.hpp'
plant src/base/up.cpp '#include "../shm/planted.hpp"' 'not at "../"'
plant src/shm/up.cpp '#include <mqxx/planted.hpp>' 'layer shm may not include include/mqxx/planted.hpp'
plant src/shm/up.cpp '#include "os/linux/planted.hpp"' 'layer shm may not include src/os/linux/planted.hpp'
plant include/mqxx/up.hpp '#include "shm/planted.hpp"' 'layer public may not include src/shm/planted.hpp'
plant include/mqxx/types.hpp '#include <mqxx/planted.hpp>' 'layer words may not include include/mqxx/planted.hpp'
plant src/cli/up.cpp '#include "shm/planted.hpp"' 'layer cli may not include src/shm/planted.hpp'
plant bench/up.cpp '#include "shm/planted.hpp"' 'layer bench may not include src/shm/planted.hpp'
plant src/api/up.cpp '#include "shm/no_such_file.hpp"' '"shm/no_such_file.hpp" is not in the project'
plant src/unheard_of/file.cpp '// a new folder' 'no layer of the include table holds this file'
# shellcheck disable=SC2016  # the table is written with backticks
plant docs/design.md '| Layer | Files | May include |
| `low` | `src/low` | `high` |
| `high` | `src/high` | `low` |' 'layer low may include high, which does not stand above it'

unportable() { plant "$1" "$2" "$3" portable.sh; }
unportable src/shm/queue.cpp '#include <linux/futex.h>' '<linux/futex.h> is Linux'
unportable include/mqxx/types.hpp '#  include <sys/epoll.h>' '<sys/epoll.h> is Linux'
unportable src/os/common/files.cpp '#include <sys/random.h>  // for tea' '<sys/random.h> is Linux'
unportable src/os/generic/lock.cpp 'long tea = syscall(SYS_gettid);' "'SYS_gettid' is Linux"
unportable src/backend/shm.cpp 'int tea = open("x", O_TMPFILE);' "'O_TMPFILE' is Linux"
unportable src/api/queue.cpp 'int tea = open("/proc/self/maps", 0);' 'below /proc'
unportable src/os/wait.hpp 'int tea() { return fallocate(0, 0, 0, 0); } /* cold */' "'fallocate' is Linux"
unportable src/cli/main.cpp 'auto tea = F_OFD_GETLK; // hot' "'F_OFD_GETLK' is Linux"
fresh_copy
cat >>"$scratch/tree/src/shm/queue.cpp" <<'END'
// futex, epoll_wait(2) and "/proc/self" may be spoken of: syscall(SYS_futex)
/* gettid() and
   O_PATH */ int tea = posix_fallocate(0, 0, 0);  // fallocate(2)
const char* epoll = "syscall";
END
sh "$here/portable.sh" "$scratch/tree" >/dev/null

echo 'layers: everything planted was found'
