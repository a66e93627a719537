#!/bin/sh
# package_test.sh FOLDER: installs the packages of the folder in a scratch system of Debian, uses them as a stranger would
# and takes them away. Needs root, debootstrap and the mirror that this machine's apt uses; takes some minutes.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=$1

# In namespaces of its own: its mounts end with it, and so do its processes.
if [ -z "${MQXX_SCRATCH_SYSTEM-}" ]; then
  [ "$(id -u)" -eq 0 ] || {
    echo 'package_test: a scratch system needs root'
    exit 77
  }
  MQXX_SCRATCH_SYSTEM=$(mktemp -d "${TMPDIR:-/tmp}/mqxx-package-XXXXXX")
  export MQXX_SCRATCH_SYSTEM
  trap 'rm -rf --one-file-system "$MQXX_SCRATCH_SYSTEM"' EXIT
  unshare --mount --pid --fork --kill-child sh "$0" "$@"
  exit
fi

scratch=$MQXX_SCRATCH_SYSTEM
system=$scratch/system
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")

fail() {
  [ ! -s "$scratch/log" ] || tail -n 30 "$scratch/log"
  echo "package_test: FAILED: $*"
  exit 1
}

# step SENTENCE: what the next lines show.
step() {
  it=$*
  echo "package_test: $it"
}

quietly() { timeout --kill-after=5 900 "$@" >"$scratch/log" 2>&1 || fail "$it: status $?: $*"; }

# inside COMMAND...: as root in the scratch system; as_user: as nobody there.
inside() { quietly chroot "$system" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
as_user() { quietly chroot --userspec=65534:65534 "$system" env -i PATH=/usr/bin:/bin LC_ALL=C HOME=/tmp "$@"; }
writes() { [ "$(cat "$scratch/log")" = "$1" ] || fail "$it: it does not write: $1"; }

# What a package may leave behind: what apt and dpkg themselves keep, and caches that others keep.
files() {
  (cd "$system" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log \
    -o -path ./tmp -o -path ./proc -o -path ./packages -o -path ./dev \) -prune -o ! -path ./etc/ld.so.cache -print) | sort
}

# packages_are_gone BEFORE
packages_are_gone() {
  files >"$scratch/after"
  diff "$1" "$scratch/after" >"$scratch/log" || fail "$it: files came or went"
  ! grep -qx 'Package: \(lib\)\?mq\(xx.*\)\?' "$system/var/lib/dpkg/status" || fail "$it: dpkg still knows a package"
}

step "a system of $codename, without anything that it does not need"
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' "Codename: $codename" 'Component: main' |
  head -n 1)
[ -n "$mirror" ] || fail "apt knows no mirror of $codename"
quietly debootstrap --variant=minbase "$codename" "$system" "$mirror"
apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) main' 'Identifier: Packages' 'Component: main' 'Origin: Debian' |
  sort -u >"$system/etc/apt/sources.list"
mount -t proc proc "$system/proc"
mount -t tmpfs -o mode=1777 tmpfs "$system/dev/shm"
mkdir "$system/packages"
for file in "$folder"/*.deb; do
  case $file in *dbgsym*) ;; *) cp "$file" "$system/packages/" ;; esac
done
debs() { for name in "$@"; do basename "$system/packages/${name}_"*.deb; done | sed 's|^|/packages/|'; }
inside apt-get update
files >"$scratch/before"

step 'mq and the libraries install, with nothing but what they depend on'
# shellcheck disable=SC2046  # words
inside apt-get install -y --no-install-recommends $(debs libmqxx0 libmqxx-posix mq)
inside dpkg --audit
inside dpkg --verify libmqxx0 libmqxx-posix mq
writes ''

step 'an ordinary user sends and receives, also what another user has sent'
as_user mq create /orders --capacity 100
as_user mq send /orders 'two coffees'
as_user mq send /orders --priority 9 'one tea, quickly'
as_user mq receive /orders --all --lines
writes "$(printf 'one tea, quickly\ntwo coffees')"
inside mq send /orders 'from root'
as_user mq receive /orders
writes 'from root'
as_user mq check /orders
as_user mq remove /orders

step 'what was installed can be removed, and nothing stays'
inside apt-get purge -y libmqxx0 libmqxx-posix mq
inside apt-get autoremove --purge -y
packages_are_gone "$scratch/before"

step 'a compiler, what the package for developers suggests, and that package'
inside apt-get install -y --no-install-recommends g++ cmake ninja-build pkgconf dpkg-dev libasio-dev
files >"$scratch/before"
# shellcheck disable=SC2046
inside apt-get install -y --no-install-recommends $(debs libmqxx0 libmqxx-posix libmqxx-dev)
cp -r "$here/../install/consumer" "$here/../install/consumer_posix" "$system/tmp/"
chmod -R a+rwX "$system/tmp/consumer" "$system/tmp/consumer_posix"

step 'a program finds the library through CMake, shared and static'
as_user cmake -S /tmp/consumer -B /tmp/consumer/build -G Ninja
as_user cmake --build /tmp/consumer/build
as_user /tmp/consumer/build/with_shared
as_user /tmp/consumer/build/with_static

step 'and Asio with it'
as_user /tmp/consumer/build/with_asio

step 'and through pkg-config'
as_user sh -c 'c++ -std=c++20 /tmp/consumer/main.cpp $(pkg-config --cflags --libs mqxx) -o /tmp/consumer/plain'
as_user /tmp/consumer/plain

step 'a package made of such a program depends on the library, from the first version that has what it uses'
inside sh -c 'mkdir -p /tmp/other/debian && cd /tmp/other && echo "Source: other" >debian/control &&
  dpkg-shlibdeps -O /tmp/consumer/plain'
grep -q 'libmqxx0 (>= 0\.1\.0)' "$scratch/log" || fail "$it: it does not"

step 'a program in C links the drop-in'
as_user cmake -S /tmp/consumer_posix -B /tmp/consumer_posix/build -G Ninja
as_user cmake --build /tmp/consumer_posix/build
as_user env MQXX_DIR=/dev/shm /tmp/consumer_posix/build/with_posix

step 'and one that knows nothing of it is preloaded, by the name alone'
as_user cc -I/usr/include /tmp/consumer_posix/main.c -lrt -o /tmp/consumer_posix/plain
as_user env MQXX_DIR=/dev/shm LD_PRELOAD=libmqxx-posix.so /tmp/consumer_posix/plain
chroot --userspec=65534:65534 "$system" env -i MQXX_DIR=/dev/shm /tmp/consumer_posix/plain >"$scratch/log" 2>&1 &&
  fail "$it: it succeeds without the library, so its success proves nothing"

step 'the manual has a page for a class under its name'
[ -s "$system/usr/share/man/man3/mqxx::Queue.3.gz" ] || fail "$it"
[ -e "$system/usr/share/man/man3/mqxx::ReceiveLoan.3.gz" ] || fail "$it: a link leads nowhere"

step 'this, too, goes without a trace'
inside apt-get purge -y libmqxx0 libmqxx-posix libmqxx-dev
inside apt-get autoremove --purge -y
packages_are_gone "$scratch/before"
[ -z "$(ls -A "$system/dev/shm")" ] || fail "left in /dev/shm: $(ls -A "$system/dev/shm")"
echo 'package_test: all of it works'
