#!/bin/sh
# install_test.sh BUILD CMAKE CXX [PROGRAM...]: installs a built tree under a temporary prefix, moves that prefix, and uses
# it as a stranger would: through find_package (shared and static), through pkg-config, as a preload, and from the command
# line.
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
for file in lib/libmqxx.so lib/libmqxx.a lib/pkgconfig/mqxx.pc lib/cmake/mqxx/mqxx-config.cmake \
  include/mqxx/queue.hpp include/mqxx/sysv.hpp lib/libmqxx-posix.so lib/pkgconfig/mqxx-posix.pc include/mqxx/mqueue.h; do
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
"$scratch/consumer/with_asio"

echo 'pkg-config'
flags=$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config --cflags --libs mqxx)
# shellcheck disable=SC2086  # flags are words
quietly "$cxx" -std=c++20 "$here/consumer/main.cpp" $flags "-Wl,-rpath,$prefix/lib" -o "$scratch/plain"
"$scratch/plain"

echo 'libmqxx-posix through find_package'
quietly "$cmake" -S "$here/consumer_posix" -B "$scratch/consumer_posix" -G Ninja -DCMAKE_PREFIX_PATH="$prefix"
quietly "$cmake" --build "$scratch/consumer_posix"
"$scratch/consumer_posix/with_posix"

echo 'libmqxx-posix through pkg-config'
posix=$prefix/lib/libmqxx-posix.so
flags=$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config --cflags --libs mqxx-posix)
# shellcheck disable=SC2086  # flags are words
quietly cc "$here/consumer_posix/main.c" $flags "-Wl,-rpath,$prefix/lib" -o "$scratch/plain_posix"
"$scratch/plain_posix"

echo 'libmqxx-posix as a preload'
quietly cc -I "$prefix/include" "$here/consumer_posix/main.c" -lrt -o "$scratch/preloaded"
LD_PRELOAD=$posix "$scratch/preloaded"
if "$scratch/preloaded" 2>"$scratch/log"; then
  echo 'the program succeeds without the library, so its success proves nothing'
  exit 1
fi
LD_PRELOAD=$posix "$scratch/plain_posix"  # linked and preloaded: still one copy
copies=$(LD_TRACE_LOADED_OBJECTS=1 LD_PRELOAD=$posix "$scratch/plain_posix" | grep -c libmqxx-posix)
[ "$copies" -eq 1 ] || {
  echo "libmqxx-posix is loaded $copies times"
  exit 1
}

echo 'exported names'
strangers=$(nm -DC --defined-only "$prefix/lib/libmqxx.so" | sed 's/^[0-9a-f]* . //' |
  grep -vE '^(MQXX_0|(vtable for |typeinfo (name )?for )?mqxx::(Queue|MessageRange|SendLoan|ReceiveLoan|EventLoop|Watch|Subscription|SignalSubscription|Error)(::|@)|mqxx::(detail::|sysv::|[a-z_]+[[(]))' || true)
[ -z "$strangers" ] || {
  echo "libmqxx.so exports what it should keep to itself:"
  echo "$strangers"
  exit 1
}

for program in "$@"; do
  echo "$program"
  for file in share/bash-completion/completions/mq share/zsh/site-functions/_mq share/fish/vendor_completions.d/mq.fish; do
    [ "$program" != mq ] || [ -e "$prefix/$file" ] || {
      echo "not installed: $file"
      exit 1
    }
  done
  quietly "$prefix/bin/$program" --help
done
