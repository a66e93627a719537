#!/bin/sh
# reference_test.sh ROOT: whatever the public headers declare has a comment that says what it is.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$1"
awk -f docs/reference/paragraphs.awk -f "$here/undocumented.awk" include/mqxx/*.hpp
