# paragraphs.awk: reads a public header and tells the program behind it what it declares. It knows the manner of this
# project and not C++: a comment of /// stands for every declaration of its paragraph, which ends at a blank line or at
# the next such comment; ///< is for one declaration alone; `// ---- Title ----` begins a section; what is private, a
# friend, in namespace detail or made of the layers below is passed over.
#
# The program behind it, manual.awk or doxygen.awk, calls begin_header(), header_line() for each line and end_header(),
# and has these:
#   type_begins(kind, name, head, doc)  a class, struct or enum, `name` with that of the type around it
#   type_ends()
#   section(title)
#   declaration(text, doc, own, first)  without its body; `own` is its ///< comment, `first` of its paragraph or not
#   other(line)                         lines of the preprocessor and of namespaces

function begin_header() {
  doc = ""; text = ""; own = ""; held = 0; first = 1; in_doc = 0
  kind = ""; type = ""; public = 1; depth = 0; skipped = 0; prefix = ""
}

# The declaration that is complete is told when no further ///< line can belong to it.
function tell() {
  if (!held) return
  held = 0
  if (public && text !~ /^(friend|static_assert|using [^=]*;)|backend::|<detail::/ && !is_of_every_class() && !is_defined_later()) {
    declaration(without_body(text), doc, own, first)
    first = 0
  }
  text = ""; own = ""
}

# Copies, moves and the destructor, unless there is something to say about them.
function is_of_every_class() {
  return text ~ /= delete;$/ || (doc own == "" && text ~ /^~|operator=\(|[A-Za-z]\([A-Za-z]+&&( other)?\)/)
}

# A member that is defined behind its class.
function is_defined_later() { return type == "" && text ~ /^[^(]*[A-Za-z>]::[a-z_]+\(/ }

function end_paragraph() {
  tell()
  doc = ""; first = 1; in_doc = 0
}

# A function without its body and initialisers: what follows its closed parentheses from a brace or a lone colon on.
function without_body(declared,    i, c, open, called) {
  for (i = 1; i <= length(declared); i++) {
    c = substr(declared, i, 1)
    if (c == "(") open++
    if (c == ")") { open--; called = 1 }
    if (open == 0 && called && (c == "{" || substr(declared, i, 3) == " : ")) {
      declared = substr(declared, 1, i - 1)
      break
    }
  }
  sub(/[ ;,]*$/, "", declared)
  return kind == "enum" ? declared : declared ";"
}

function count(string, pattern) { return gsub(pattern, "", string) }

function complete() {
  if (kind == "enum") return 1
  if (count(text, "[(]") != count(text, "[)]") || count(text, "[{]") != count(text, "[}]")) return 0
  return text ~ /[;}]$/
}

function declared_line(line,    comment) {
  if (match(line, / *\/\/\/<.*/)) {
    comment = substr(line, RSTART, RLENGTH)
    line = substr(line, 1, RSTART - 1)
    sub(/^ *\/\/\/< */, "", comment)
    own = own (own == "" ? "" : " ") comment
  }
  sub(/ +\/\/ .*$/, "", line)
  sub(/^ +/, "", line)
  if (line == "") return
  text = text (text == "" ? "" : " ") line
  held = complete()
}

function enter(line,    words, name) {
  sub(/\[\[[a-z]+\]\] /, "", line)
  sub(/^ +/, "", line)
  split(line, words, " ")
  name = words[words[1] == "enum" ? 3 : 2]
  end_of_type[depth] = kind " " type  # what to go back to
  depth++
  kind = words[1]
  type = (type == "" ? "" : type "::") name
  public = kind != "class"
  type_begins(kind, type, prefix == "" ? line : prefix "\n" line, doc)
  prefix = ""; doc = ""; in_doc = 0; first = 1
}

function leave(    back) {
  end_paragraph()
  type_ends()
  depth--
  split(end_of_type[depth], back, " ")
  kind = back[1]; type = back[2]; public = 1
}

function header_line(line) {
  if (skipped > 0) {
    skipped += count(line, "[{]") - count(line, "[}]")
  } else if (line ~ /^ *\/\/\/< / || (text != "" && !held)) {
    declared_line(line)
  } else if (line ~ /^ *\/\/\/( |$)/) {
    tell()
    if (!in_doc) end_paragraph()
    in_doc = 1
    sub(/^ *\/\/\/ ?/, "", line)
    doc = doc (doc == "" ? "" : "\n") line
  } else {
    tell()
    in_doc = 0
    code_line(line)
  }
}

function code_line(line) {
  if (line !~ /^ *\/\/|^}/) sub(/ +\/\/ .*$/, "", line)
  if (line ~ /^ *\/\/ ---- .* -+$/) {
    end_paragraph()
    gsub(/^ *\/\/ -+ | -+$/, "", line)
    section(line)
  } else if (line ~ /^ *$/) {
    end_paragraph()
  } else if (line ~ /^namespace (detail|backend|loop) \{$/) {
    skipped = 1  # braces to be closed
  } else if (line ~ /^inline namespace |^} +\/\/ namespace [A-Z_]+$/) {
    end_paragraph()  # its name is a macro, and nobody writes it
  } else if (line ~ /^(#|namespace |} +\/\/ namespace)/) {
    end_paragraph()
    other(line)
  } else if (line ~ /^ *\/\/|^template <>$|^struct std::|^ *(class|struct) [A-Za-z_]+;$/) {
    end_paragraph()
    prefix = ""
  } else if (line ~ /^ +(public|private|protected):$/) {
    end_paragraph()
    public = line ~ /public/
  } else if (line ~ /^ *};$/) {
    leave()
  } else if (line ~ /^ *template <.*>$/) {
    prefix = line
    sub(/^ +/, "", prefix)
  } else if (line ~ /^ *(class|struct|enum class) (\[\[[a-z]+\]\] )?[A-Za-z_]+[^()]*\{$/) {
    if (public) {
      enter(line)
    } else {
      skipped = 1
      prefix = ""
    }
  } else {
    if (prefix != "") text = prefix
    prefix = ""
    declared_line(line)
  }
}

function end_header() { end_paragraph() }
