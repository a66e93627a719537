#!/bin/sh
# build.sh ROOT MAN SITE: the site of documents and reference from the sources in ROOT and the man pages in MAN. Fails at
# a warning of Doxygen, and where a link of the site leads nowhere.
set -eu
root=$1
man=$2
MQXX_SITE=$3
MQXX_VERSION=$(sed -n 's/^project(mqxx VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
export MQXX_SITE MQXX_VERSION
rm -rf "$MQXX_SITE"
mkdir -p "$MQXX_SITE/man"

# The man pages, each a page of its own, and a page that lists them.
{
  printf '# Manual pages\n\n| | |\n|---|---|\n'
  for page in "$man"/*.[1-8]; do
    ! grep -q '^\.so ' "$page" || continue
    file=$(basename "$page")
    mandoc -T html -O style=../man.css -O man=%N.%S.html "$page" >"$MQXX_SITE/man/$file.html"
    title=$(sed -n 's/^\.TH "\([^"]*\)" "\([0-9]\)".*/\1(\2)/p' "$page")
    about=$(sed -n '/^\.SH NAME/,/^\.SH [^N]/s/.* - //p' "$page" | head -n 1)
    printf '| <a href="man/%s.html">%s</a> | %s |\n' "$file" "$title" "$about"
  done
} >"$MQXX_SITE/manual.md"
cp "$root/docs/site/man.css" "$MQXX_SITE/"

(cd "$root" && doxygen docs/site/Doxyfile)
rm "$MQXX_SITE/manual.md"

# Pages show plots by their place in the sources.
mkdir "$MQXX_SITE/performance"
cp "$root"/docs/performance/*.svg "$MQXX_SITE/performance/"
(cd "$MQXX_SITE" && python3 "$root/tests/docs/links.py" ./*.html man/*.html)
