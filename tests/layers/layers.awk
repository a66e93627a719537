# Reads the include table of docs/design.md (the first file) and then every source file after it; prints each
# include that the table does not allow. Exit status: 0 all is well, 1 something points up, 2 the table is unreadable.

function complain(text) {
  print FILENAME ":" FNR ": " text
  failed = 1
}

# The layer with the longest path that holds the file, "" for none.
function layer_of(file,   path, best, found) {
  for (path in owner) {
    if ((file == path || index(file, path "/") == 1) && length(path) > length(best)) {
      best = path
      found = owner[path]
    }
  }
  return found
}

# Where the compiler would find the include, "" when that is outside the project. Programs root their own includes at
# one of their folders, so a quoted name is tried from each folder upward.
function resolve(name, quoted,   folder) {
  folder = FILENAME
  while (quoted && folder != "") {
    sub(/[^\/]*\/?$/, "", folder)
    if ((folder name) in is_source) return folder name
  }
  if (("src/" name) in is_source) return "src/" name
  if (("include/" name) in is_source) return "include/" name
  return ""
}

BEGIN {
  for (i = 2; i < ARGC; i++) is_source[ARGV[i]] = 1
}

# ---- the table -------------------------------------------------------------------------------------------------------

FILENAME == ARGV[1] {
  if ($0 ~ /^\| Layer \| Files \| May include \|$/) in_table = 1
  else if ($0 !~ /^\|/) in_table = 0
  if (!in_table || $0 !~ /^\| `/) next
  split($0, cell, "|")
  gsub(/[` ]/, "", cell[2])
  layer = cell[2]
  if (layer in known) complain("layer " layer " is named twice")
  count = split(cell[4], names, "`")
  for (i = 2; i <= count; i += 2) {
    if (!(names[i] in known)) complain("layer " layer " may include " names[i] ", which does not stand above it")
    allowed[layer, names[i]] = 1
  }
  known[layer] = allowed[layer, layer] = 1
  layers++
  count = split(cell[3], paths, "`")
  for (i = 2; i <= count; i += 2) owner[paths[i]] = layer
  next
}

# ---- the sources -----------------------------------------------------------------------------------------------------

FNR == 1 {
  files++
  mine = layer_of(FILENAME)
  if (mine == "") complain("no layer of the include table holds this file")
}

/^[ \t]*#[ \t]*include[ \t]*["<]/ {
  name = $0
  sub(/^[^"<]*/, "", name)
  quoted = name ~ /^"/
  name = substr(name, 2)
  sub(/[">].*/, "", name)
  if (name ~ /(^|\/)\.\.\//) {
    complain("\"" name "\": includes start at src or include, not at \"../\"")
    next
  }
  target = resolve(name, quoted)
  if (target == "") {
    if (quoted || name ~ /^mqxx\//) complain("\"" name "\" is not in the project")
    next
  }
  theirs = layer_of(target)
  if (mine != "" && !((mine, theirs) in allowed)) complain("layer " mine " may not include " target " (layer " theirs ")")
  includes++
}

END {
  if (layers == 0) {
    print ARGV[1] ": there is no include table"
    exit 2
  }
  if (failed) exit 1
  print "layers: " files + 0 " files, " includes + 0 " includes, none points up"
}
