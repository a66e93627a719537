#!/bin/sh
# site_test.sh ROOT MAN: the site can be made without a warning of Doxygen, and every link on it leads somewhere.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/support.sh"
for tool in doxygen mandoc python3; do
  command -v "$tool" >/dev/null || {
    echo "skipped: there is no $tool"
    exit 77
  }
done

it 'the site is made, and its links lead somewhere'
slow_run 0 sh "$1/docs/site/build.sh" "$1" "$2" "$scratch/site"
shows ' pages, '
[ -s "$scratch/site/classmqxx_1_1Queue.html" ] || fail 'there is no page for mqxx::Queue'
