#!/bin/sh
# links_test.sh ROOT: every link between documents leads somewhere.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$1"
command -v python3 >/dev/null || {
  echo 'skipped: there is no python3'
  exit 77
}
python3 "$here/links.py" README.md CONTRIBUTING.md CHANGELOG.md docs/*.md docs/decisions/*.md
