# programs.awk: the C++ blocks of documents as one program: `awk -f programs.awk -v list=FILE DOCUMENT...`.
#
# Each block has a namespace of its own, and what they include stands in front of all. A block that has `int main()` is a
# program: ours with the argument N runs the Nth. One that defines a function stands as it is, any other is the inside of
# a function that has a `queue`. Blocks that begin with `// FILE.cpp` belong to plays (play.awk). FILE gets a line for each
# program: its number and its place, and behind that "compiles only" if a comment in front of the block says so.

function begin_block() {
  inside = 1; body = ""; whole = 0; functions = 0; lines = 0; skip = 0
  start = FNR
}

function end_block() {
  inside = 0
  if (skip || lines == 0) { only = ""; return }
  blocks++
  place = sprintf("#line %d \"%s\"\n", start + 1, FILENAME)
  if (whole) {
    text[blocks] = "namespace block_" blocks " {\n" place body "}\n"
    mains = mains "    case " blocks ": return block_" blocks "::main();\n"
    print blocks, FILENAME ":" start, only >list
  } else if (functions) {
    text[blocks] = "namespace block_" blocks " {\n" place body "}\n"
  } else {
    text[blocks] = "namespace block_" blocks " {\nvoid fragment([[maybe_unused]] mqxx::Queue& queue) {\n" place body "}\n}\n"
  }
  only = ""
}

FNR == 1 { inside = 0; other = 0; only = ""; manual = FILENAME ~ /\.scd$/ }

/^```/ {
  if (inside) { end_block(); next }
  if (other) { other = 0; next }
  if ($0 == "```cpp" || (manual && $0 == "```")) { begin_block(); next }
  other = 1
  next
}
!inside && /^<!-- compiles only/ { only = "compiles only" }
!inside { next }
{
  if (manual) gsub(/\\\\/, "\\")
  lines++
  # In a manual's page what is no C++ is something for a shell.
  if (lines == 1 && (/^\/\/ [a-z_]+\.cpp/ || (manual && !/^#include/))) skip = 1
  if (/^#include/) {
    if (!($0 in included) && !skip) includes = includes $0 "\n"
    if (!skip) included[$0] = 1
    body = body "\n"
    next
  }
  if (/^int main\(\) \{/) whole = 1
  if (/^[A-Za-z].* [a-z_]+\(.*\) \{$/ && !/\[|^(if|for|while|switch) /) functions = 1
  if (whole && /^}$/) body = body "return 0;\n"
  body = body $0 "\n"
}

END {
  printf "#include <cstdlib>\n#include <mqxx/coroutine.hpp>\n#include <mqxx/inspect.hpp>\n#include <mqxx/queue.hpp>\n%s", includes
  for (i = 1; i <= blocks; i++) printf "%s", text[i]
  printf "int main(int, char** argv) {\n  switch (std::atoi(argv[1])) {\n%s    default: return 1;\n  }\n}\n", mains
}
