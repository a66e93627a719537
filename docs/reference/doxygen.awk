# doxygen.awk: a public header as Doxygen wants it, for docs/Doxyfile: `awk -f paragraphs.awk -f doxygen.awk HEADER`.
# Every declaration has its comment in front of it, also where a paragraph shares one.

BEGIN { begin_header() }
{ header_line($0) }
END { end_header() }

# Without what it says of parameters that only another declaration of the paragraph has.
function commented(doc, declared,    lines, count_of, i, skip, name) {
  count_of = split(doc, lines, "\n")
  for (i = 1; i <= count_of; i++) {
    if (lines[i] !~ /^ /) skip = 0
    if (lines[i] ~ /^@param /) {
      split(lines[i], name, " ")
      skip = declared !~ ("[^a-z_]" name[2] "[^a-z_]")
    }
    if (!skip) print "/// " lines[i]
  }
}

function end_section() {
  if (in_section) print "/// @}"
  in_section = 0
}

function section(title) {
  if (type == "") return
  end_section()
  print "/// @name " title "\n/// @{"
  in_section = 1
}

function type_begins(kind, name, head, doc) {
  commented(doc, head)
  print head
  if (kind == "class") print " public:"
}

function type_ends() {
  end_section()
  print "};"
}

function declaration(text, doc, own, first) {
  commented(own == "" ? doc : own, text)
  print text (kind == "enum" ? "," : "")
  print ""
}

function other(line) { print line }
