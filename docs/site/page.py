"""page.py FILE: a page of markdown as Doxygen wants it, on standard output.

Doxygen 1.9 knows no anchors by the words of a heading, and of a link to a file only whether it is one of its pages. So
headings get their anchors here, links between pages become references, and links to what the site does not have (sources,
folders) become plain text. Everything else passes through, blocks of code untouched.
"""
import html
import os
import re
import sys


def slug(heading):
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def page_label(path):
    """Of README.md "mainpage"; of docs/sysv.md "sysv"; of docs/decisions/0007-doorbell.md "decision-0007-doorbell"."""
    name = os.path.splitext(os.path.basename(path))[0]
    if name == "README":
        return "mainpage"
    return ("decision-" if "decisions" in path else "") + name


def code(piece):
    """Doxygen leaves the backslash in front of a bar of code in a table."""
    if "\\|" not in piece:
        return piece
    return "<code>" + html.escape(piece.strip("`")).replace("\\|", "&#124;") + "</code>"


class Converter:
    def __init__(self, path):
        self.path = path
        self.seen_title = False
        self.anchors = {}

    def anchor(self, heading):
        """By the words of the heading; another one of the same words has a number."""
        words = re.sub(r"[^A-Za-z0-9_-]", "", slug(heading))
        again = self.anchors.get(words, 0)
        self.anchors[words] = again + 1
        return f"{page_label(self.path)}_{words}" + (f"-{again}" if again else "")

    def link(self, match):
        text, target = match.groups()
        if re.match(r"[a-z]+:", target):
            return match.group(0)
        path, _, fragment = target.partition("#")
        if not path:
            return f"[{text}](@ref {page_label(self.path)}_{fragment})"
        if not path.endswith(".md"):
            return text
        if fragment:
            return f"[{text}](@ref {page_label(path)}_{fragment})"
        return f"[{text}](@ref {page_label(path)})" if page_label(path) != "mainpage" else f"[{text}](index.html)"

    def heading(self, match):
        marks, text = match.groups()
        if marks == "#":
            if self.seen_title:
                return match.group(0)
            self.seen_title = True
            return f"# {text} {{#{page_label(self.path)}}}"
        return f"{marks} {text} {{#{self.anchor(text)}}}"

    def line(self, text):
        text = re.sub(r"^(#+) +(.*?) *$", self.heading, text)
        pieces = re.split(r"(`[^`]*`)", text)  # code stays as it is
        if len(pieces) > 1 and re.search(r"\[[^]]*`", text):
            return re.sub(r"(?<!!)\[([^]]*)\]\(([^)\s]+)\)", self.link, text)
        return "".join(
            code(piece) if piece.startswith("`") else re.sub(r"(?<!!)\[([^]]*)\]\(([^)\s]+)\)", self.link, piece)
            for piece in pieces
        )

    def convert(self, lines):
        in_code = False
        for line in lines:
            if line.startswith("```"):
                in_code = not in_code
                yield "```cpp" if line == "```c" else line
            else:
                yield line if in_code else self.line(line)


def main():
    path = sys.argv[1]
    with open(path, encoding="utf-8") as file:
        print("\n".join(Converter(path).convert(file.read().split("\n"))))


main()
