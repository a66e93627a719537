"""links.py FILE...: every relative link of these pages leads to something: the file is there, and has the heading.

Markdown as it is read on the web, and HTML as `./dev docs` writes it.
"""
import html.parser
import os
import re
import sys
import urllib.parse


def slug(heading):
    """The anchor that a heading of markdown gets."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"[^\w\- ]", "", text.strip().lower())
    return text.replace(" ", "-")


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.anchors = [], set()

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value)
            elif value and (name, tag) in (("href", "a"), ("src", "img"), ("href", "link"), ("src", "script")):
                self.links.append(value)


def read_markdown(text):
    text = re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
    anchors = {slug(heading) for heading in re.findall(r"^#+ +(.*?) *$", text, flags=re.M)}
    text = re.sub(r"`[^`\n]*`", "", text)
    return re.findall(r"\]\(([^)\s]+)\)", text), anchors


def read(path, cache={}):
    if path not in cache:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if path.endswith(".html"):
            page = Page()
            page.feed(text)
            cache[path] = page.links, page.anchors
        else:
            cache[path] = read_markdown(text)
    return cache[path]


def problems(path):
    for link in read(path)[0]:
        address = urllib.parse.urlsplit(link)
        if address.scheme or address.netloc:
            continue
        target = path
        if address.path:
            target = os.path.normpath(os.path.join(os.path.dirname(path), urllib.parse.unquote(address.path)))
        if not os.path.exists(target):
            yield f"{path}: {link}: there is no {target}"
        elif address.fragment and target.endswith((".md", ".html")):
            if urllib.parse.unquote(address.fragment) not in read(target)[1]:
                yield f"{path}: {link}: {target} has no such heading"


def main():
    found = [problem for path in sys.argv[1:] for problem in problems(path)]
    links = sum(len(read(path)[0]) for path in sys.argv[1:])
    print("\n".join(found + [f"{len(sys.argv) - 1} pages, {links} links"]))
    return 1 if found or not links else 0


sys.exit(main())
