#!/bin/sh
# install_test.sh BUILD CMAKE CXX [PROGRAM...]: installs a built tree under a temporary prefix, moves that prefix, and uses
# it as a stranger would: through find_package (shared and static), through pkg-config, and from the command line.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=$1
cmake=$2
cxx=$3
shift 3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/queues"
export MQXX_DIR="$scratch/queues"

# quietly COMMAND...: its output is shown only when it fails.
quietly() {
  "$@" >"$scratch/log" 2>&1 || {
    cat "$scratch/log"
    echo "failed: $*"
    exit 1
  }
}

quietly "$cmake" --install "$build" --prefix "$scratch/first"
prefix=$scratch/moved
mv "$scratch/first" "$prefix"
for file in lib/libmqxx.so lib/libmqxx.a lib/pkgconfig/mqxx.pc lib/cmake/mqxx/mqxx-config.cmake include/mqxx/queue.hpp; do
  [ -e "$prefix/$file" ] || {
    echo "not installed: $file"
    exit 1
  }
done

echo 'find_package'
quietly "$cmake" -S "$here/consumer" -B "$scratch/consumer" -G Ninja \
  -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_PREFIX_PATH="$prefix"
quietly "$cmake" --build "$scratch/consumer"
"$scratch/consumer/with_shared"
"$scratch/consumer/with_static"

echo 'pkg-config'
flags=$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config --cflags --libs mqxx)
# shellcheck disable=SC2086  # flags are words
quietly "$cxx" -std=c++20 "$here/consumer/main.cpp" $flags "-Wl,-rpath,$prefix/lib" -o "$scratch/plain"
"$scratch/plain"

echo 'exported names'
strangers=$(nm -DC --defined-only "$prefix/lib/libmqxx.so" | sed 's/^[0-9a-f]* . //' |
  grep -vE '^(MQXX_0|(vtable for |typeinfo (name )?for )?mqxx::(Queue|MessageRange|SendLoan|ReceiveLoan|Error)(::|@)|mqxx::(detail::|[a-z_]+[[(]))' || true)
[ -z "$strangers" ] || {
  echo "libmqxx.so exports what it should keep to itself:"
  echo "$strangers"
  exit 1
}

for program in "$@"; do
  echo "$program"
  quietly "$prefix/bin/$program" --help
done
