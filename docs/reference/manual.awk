# manual.awk: what scdoc makes a page of section 3 from: `awk -f paragraphs.awk -f manual.awk -v headers=DIRECTORY PAGE`.
# The page is written by hand, but for these lines, in whose place comes what the header says:
#
#   %description HEADER TYPE   the comment of the type
#   %members HEADER TYPE       the members of the type, in the sections of the header
#   %functions HEADER          the functions and constants outside of types

/^%(description|members|functions) / { insert($1, $2, $3); next }
{ print }
END { exit failed }

function insert(command, header, name,    path, line, status) {
  wanted = command; wanted_type = name; found = 0; group = ""; group_doc = ""
  path = headers "/" header
  begin_header()
  while ((status = (getline line <path)) > 0) header_line(line)
  if (status < 0) fail("cannot read " path)
  close(path)
  end_header()
  flush()
  if (!found) fail("there is nothing for: " command " " header " " name)
}

function fail(why) {
  print FILENAME ": " why >"/dev/stderr"
  failed = 1
}

function here() {
  if (wanted == "%functions") return type == ""
  return wanted == "%members" && (type == wanted_type || index(type, wanted_type "::") == 1)
}

# ---- Text ------------------------------------------------------------------------------------------------------------

function escaped(s) {
  gsub(/[\\_*]/, "\\\\&", s)
  return s
}

# A comment's text: `code` is bold, and so are names of pages.
function text_of(s,    result, match_of) {
  s = escaped(s)
  while (match(s, /`[^`]*`|[a-z\\_:]+\([1-8]\)/)) {
    result = result substr(s, 1, RSTART - 1)
    match_of = substr(s, RSTART, RLENGTH)
    s = substr(s, RSTART + RLENGTH)
    if (match_of ~ /^`/) result = result "*" substr(match_of, 2, length(match_of) - 2) "*"
    else result = result "*" substr(match_of, 1, length(match_of) - 3) "*" substr(match_of, length(match_of) - 2)
  }
  return result s
}

# Not of a name, such as stop() or max_messages.
function capital(s,    word) {
  word = s
  sub(/ .*/, "", word)
  return word ~ /[(:_=\\]/ ? s : toupper(substr(s, 1, 1)) substr(s, 2)
}

# One piece of a comment: what stands behind @param, @return, @throws or @see, or text without any of these.
function piece(s, indent,    name, item) {
  gsub(/^ +| +$/, "", s)
  if (s == "") return
  item = s
  sub(/^@[a-z]+ +/, "", item)
  if (s ~ /^@param /) {
    name = item
    sub(/ .*/, "", name)
    sub(/^[^ ]+ +/, "", item)
    item = "_" escaped(name) "_: " text_of(item)
  } else if (s ~ /^@return /) {
    item = "Returns " text_of(item)
  } else if (s ~ /^@throws Error /) {
    sub(/^Error +/, "", item)
    item = "Errors: " text_of(item)
  } else if (s ~ /^@see /) {
    item = "See " text_of(item)
  } else {
    item = capital(text_of(s))
  }
  if (item !~ /[.:!?]$/) item = item "."
  print indent item "\n"
}

function comment(doc, indent,    at) {
  gsub(/\n\n/, "\n@par ", doc)  # an empty line begins a new paragraph
  gsub(/\n */, " ", doc)
  while (match(doc, / @(param|return|throws|see|par) /)) {
    at = RSTART
    piece(substr(doc, 1, at - 1), indent)
    doc = substr(doc, at + 1)
    sub(/^@par /, "", doc)
  }
  piece(doc, indent)
}

function tabs(n,    s) {
  while (n-- > 0) s = s "\t"
  return s
}

# How deep in a type inside the type of the page we are.
function nesting() {
  if (wanted == "%functions") return 0
  return count(substr(type, length(wanted_type) + 1), "::")
}

# ---- What paragraphs.awk calls ---------------------------------------------------------------------------------------

function type_begins(kind_of, name, head, doc_of) {
  flush()
  if (wanted == "%description" && name == wanted_type) {
    comment(doc_of, "")
    found = 1
  }
  if (here() && name != wanted_type) {
    sub(/ *\{$/, "", head)
    print tabs(nesting() - 1) "*" escaped(head) "*"
    comment(doc_of == "" ? "One of:" : doc_of, tabs(nesting()))
  }
}

function type_ends() { flush() }

function section(title) {
  flush()
  if (here()) print "## " capital(tolower(title)) "\n"
}

# Declarations of one paragraph stand above the comment that they share.
function declaration(text_of_it, doc_of, own_of, first_of,    line) {
  if (!here()) return
  found = 1
  gsub(/\[\[nodiscard\]\] /, "", text_of_it)
  if (first_of || own_of != "" || doc_of != group_doc) flush()
  line = tabs(nesting()) "*" escaped(text_of_it) "*"
  group = group == "" ? line : group "++\n" line
  group_doc = own_of == "" ? doc_of : own_of
  group_depth = nesting()
  if (own_of != "") flush()
}

function flush() {
  if (group == "") return
  print group
  if (group_doc == "") print ""
  else comment(group_doc, tabs(group_depth + 1))
  group = ""; group_doc = ""
}

function other(line) { }
