"""HTML to plain text, for posts whose text is HTML.

The time is proportional to the length for any input: a message comes from anybody, and is decoded in the event loop.
(`html.parser` of Python 3.11 takes two minutes for 131,072 bytes of `<a b=<a b=…`.)
"""

import html
import re

_TAG_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9]*")
_HREF = re.compile(r"""\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_TAG_END = re.compile(r"""[>"']""")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});?")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr"})
_INVISIBLE = frozenset({"script", "style"})


def html_to_text(markup: str) -> str:
    """Return the text of an HTML fragment: references decoded, blocks on lines of their own, a link as its address.

    The text of a link to a person or a hashtag stays as it is: `@user`, `#tag`.
    """
    if "<" not in markup:
        return _decoded(markup).strip()
    parser = _Parser()
    at = 0
    while (tag := markup.find("<", at)) >= 0:
        parser.text(markup[at:tag])
        end = _end_of_tag(markup, tag)
        if end is None:  # not closed: what follows is text, and is not searched for tags again
            at = tag
            break
        at = end
        if end == tag + 1:
            parser.text("<")
        else:
            parser.tag(markup[tag + 1 : end - 1])
    parser.text(markup[at:])
    return parser.result()


def _end_of_tag(markup: str, tag: int) -> int | None:
    """Return the index after a tag; the next index where `<` begins none; None where the tag is not closed."""
    if markup.startswith("<!--", tag):
        end = markup.find("-->", tag + 4)
        return None if end < 0 else end + 3
    if markup.startswith(("<!", "<?"), tag):
        end = markup.find(">", tag)
        return None if end < 0 else end + 1
    if not _TAG_NAME.match(markup, tag + 1):
        return tag + 1
    at = tag
    while found := _TAG_END.search(markup, at):
        if found[0] == ">":
            return found.end()
        at = markup.find(found[0], found.end()) + 1
        if at == 0:
            return None
    return None


class _Parser:
    """Collects the text between tags."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._link: list[str] | None = None
        self._address = ""
        self._hidden: str | None = None

    def text(self, text: str) -> None:
        """Take the text between two tags."""
        if self._hidden or not text:
            return
        (self._parts if self._link is None else self._link).append(_decoded(text))

    def tag(self, inside: str) -> None:
        """Take a tag, without its brackets."""
        found = _TAG_NAME.match(inside)
        if not found:
            return  # a comment or a declaration
        name = found[0].lower()
        if name.lstrip("/") in _INVISIBLE:
            self._hidden = None if name.startswith("/") else name
        elif name == "a":
            self._end_link()
            address = _HREF.search(inside)
            self._address = _decoded(next(filter(None, address.groups()), "")) if address else ""
            self._link = []
        elif name == "/a":
            self._end_link()
        elif name.lstrip("/") in _BLOCKS:
            self.text("\n")

    def result(self) -> str:
        """Return the whole text, with single line breaks between blocks."""
        self._end_link()
        lines = (line.strip() for line in "".join(self._parts).split("\n"))
        return "\n".join(line for line in lines if line)

    def _end_link(self) -> None:
        if self._link is not None:
            self._parts.append(_link_text("".join(self._link), self._address))
            self._link = None


def _link_text(shown: str, address: str) -> str:
    """Return the address where the text shows the address or its beginning; else the text."""
    bare = _SCHEME.sub("", shown.strip(), count=1).rstrip("…")
    is_address = bool(bare) and _SCHEME.match(address) and _SCHEME.sub("", address, count=1).startswith(bare)
    return address if is_address else shown


def _decoded(text: str) -> str:
    return _REFERENCE.sub(lambda reference: html.unescape(reference[0]), text) if "&" in text else text
