# play.awk: a document as a play in one folder: `awk -f play.awk -v folder=FOLDER DOCUMENT`.
#
# It is written to be followed from top to bottom, so that is what the shell script does which comes out here. A ```sh
# block is run, all blocks in one shell; a ```text block behind it is what it writes. A ```cpp block that begins with
# `// FILE.cpp` is that file. Blocks after a comment `<!-- not run` are passed over.

function quoted(s) {
  gsub(/'/, "'\\''", s)
  return "'" s "'"
}

BEGIN { print "set -eu" }

/^```/ {
  if (kind != "") {
    if (kind == "sh" && !skip) {
      printf "echo %d >%s/step\n{\n%s\n} >%s/%d.out 2>&1 </dev/null\n", start, quoted(folder), body, quoted(folder), start
      last = start
    } else if (kind == "text" && !skip) {
      if (last == "") { print FILENAME ":" start ": nothing was run whose output this could be" >"/dev/stderr"; exit 1 }
      printf "%s", body >(folder "/" last ".wanted")
      last = ""
    } else if (kind == "cpp" && body ~ /^\/\/ [a-z_]+\.cpp/) {
      name = body
      sub(/^\/\/ /, "", name)
      sub(/\.cpp.*/, ".cpp", name)
      printf "%s", body >(folder "/stage/" name)
    }
    kind = ""; skip = 0
    next
  }
  kind = substr($0, 4) == "" ? "plain" : substr($0, 4)
  body = ""
  start = FNR
  next
}
kind != "" { body = body $0 "\n"; next }
/^<!-- not run/ { skip = 1 }
