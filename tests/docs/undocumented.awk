# undocumented.awk: the types and functions of public headers without a comment, `awk -f paragraphs.awk -f
# undocumented.awk HEADER...`; status 1 if there are any. A field may be told by its name and the comment of its type.

FNR == 1 { if (NR > 1) end_header(); begin_header() }
{ header_line($0) }
END {
  end_header()
  print told " declarations have a comment"
  exit missing > 0 || told == 0
}

function missing_one(what) {
  print FILENAME ": " (type == "" ? "" : type ": ") what
  missing++
}

function type_begins(kind_of, name, head, doc_of) {
  if (doc_of == "") missing_one(kind_of " " name)
  else told++
}

function declaration(text_of, doc_of, own_of, first_of) {
  if (doc_of own_of != "") told++
  else if (text_of ~ /\(/ && text_of !~ /= default;$/) missing_one(text_of)
}

function section(title) { }
function type_ends() { }
function other(line) { }
