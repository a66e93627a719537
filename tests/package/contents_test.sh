#!/bin/sh
# contents_test.sh FOLDER: the packages in it have the files of contents.txt and no others, run nothing when they are
# installed or removed, and lintian has nothing against them.
set -eu
export LC_ALL=C
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=$1
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=

# Without what is in every package: folders, and the changelogs and copyright of Debian's rules. Pages of more than 4 KiB
# are compressed, which is nothing to write down.
for package in libmqxx0 libmqxx-dev libmqxx-posix mq; do
  file=$(echo "$folder/${package}"_*.deb)
  dpkg-deb --fsys-tarfile "$file" | tar -tf - | grep -v '/$' |
    grep -vE "^\./usr/share/doc/$package/(changelog(\.Debian)?\.gz|copyright)$" |
    sed "s|^\\./||; /share.doc/s|\\.gz$||; s|$triplet|TRIPLET|g; s|\\.so\\.[0-9]*\\.[0-9.]*$|.so.VERSION|; s|^|$package |"

  dpkg-deb --ctrl-tarfile "$file" | tar -tf - >"$scratch/control"
  ! grep -E '/(pre|post)(inst|rm)$' "$scratch/control" || {
    echo "$package has a script of its maintainer" >&2
    failed=yes
  }
done >"$scratch/unsorted"
sort "$scratch/unsorted" >"$scratch/contents"

diff -u "$here/contents.txt" "$scratch/contents" || {
  echo 'the packages have other files than tests/package/contents.txt'
  failed=yes
}

# The first upload of a package closes a wish in Debian's list of bugs; nobody has wished there yet.
lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$folder"/*.changes ||
  failed=yes
[ -z "$failed" ]
