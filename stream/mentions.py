"""Mentions of listed names in a text: as whole words, hashtags and handles, in upper or lower case.

Texts and names are split into words. From each word of a text a tree of the names' words is followed, so that the time
depends on the length of the text and not on the number of names.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

import regex

_URL = regex.compile(r"https?://\S+", regex.IGNORECASE)
_TOKEN = regex.compile(r"(?:(?<![\w\p{M}])([#@]))?([\w\p{M}]+)|(\S)")
_ASCII_TOKEN = re.compile(r"(?:(?<!\w)([#@]))?(\w+)|(\S)")
"""The same for ASCII, several times faster."""
# Scripts without spaces between words: each character counts as a word, and so does each run of Katakana.
_CHARACTER = r"[\p{Han}\p{Hiragana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_KATAKANA = r"[\p{Katakana}\u30FC]"
_SCRIPTS = regex.compile(rf"{_CHARACTER}\p{{M}}*|{_KATAKANA}+|(?:(?!{_CHARACTER}|{_KATAKANA}).)+")
_HASHTAG_BOUNDARY = regex.compile(
    r"(?<=[\p{Ll}\d])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{L})(?=\d)|(?<=\d)(?=\p{L})|_"
)
# Characters of a name that its hashtag leaves out: #LandRover, #CocaCola, #Yahoo.
_LEFT_OUT_OF_HASHTAGS = regex.compile(r"[\s\-'.&!,/_]+")
_WORD = regex.compile(r"[\w\p{M}]+")
_MEANINGFUL = regex.compile(r"[\p{L}\p{N}\p{S}]")
_TYPOGRAPHY = str.maketrans(dict.fromkeys("‘’ʼ", "'") | dict.fromkeys("‐‒–—−", "-"))  # noqa: RUF001  (as people write)


class _Node:
    """A node of the tree: the words that may follow, and the name that ends here."""

    __slots__ = ("branches", "name")

    def __init__(self) -> None:
        self.branches: dict[str, _Node] = {}
        self.name: str | None = None


class Mentions:
    """The names and aliases to look for.

    Args:
        aliases: The aliases of each name. An alias that begins with @ or # is found only as this handle or hashtag.

    Raises:
        ValueError: An alias has nothing to look for, or belongs to two names.
    """

    def __init__(self, aliases: Mapping[str, Iterable[str]]) -> None:
        self._root = _Node()
        self._tags: dict[str, str] = {}
        """Names by hashtag or handle, with its mark; without the mark, if either is meant."""
        for name, ones in aliases.items():
            for alias in ones:
                self._add(alias, name)

    def find(self, text: str) -> list[str]:
        """Find the names that a text mentions, each once, in the order of their first mention."""
        found: dict[str, None] = {}
        words: list[str] = []
        for word, name in self._tokens(_normal(text)):
            if name is None:
                words.append(word)
                continue
            found.update(dict.fromkeys(self._within(words)))
            found[name] = None
            words.clear()
        found.update(dict.fromkeys(self._within(words)))
        return list(found)

    def _tokens(self, text: str) -> Iterator[tuple[str, str | None]]:
        """Yield the words of a text, and the names in its hashtags and handles."""
        for mark, run, other in (_ASCII_TOKEN if text.isascii() else _TOKEN).findall(text):
            if other:
                yield other, None
            elif not mark and run.isascii():
                yield run.lower(), None
            elif not mark:
                yield from ((word, None) for word in _words(run))
            elif name := self._tagged(mark, run):
                yield "", name
            elif mark == "#":
                yield from ((word, None) for part in _HASHTAG_BOUNDARY.split(run) for word in _words(part))
            else:
                yield mark, None  # another account: its name has nothing to say about the words around it

    def _tagged(self, mark: str, run: str) -> str | None:
        tag = run.replace("_", "").casefold()
        return self._tags.get(mark + tag) or self._tags.get(tag)

    def _within(self, words: list[str]) -> Iterator[str]:
        """Yield the names in a list of words; where several begin with the same word, the longest."""
        first = 0
        while first < len(words):
            if words[first] not in self._root.branches:  # nearly always
                first += 1
                continue
            name, length = self._longest(words, first)
            if name:
                yield name
            first += max(length, 1)

    def _longest(self, words: list[str], first: int) -> tuple[str | None, int]:
        found, length = None, 0
        node = self._root
        for number in range(first, len(words)):
            branch = node.branches.get(words[number])
            if branch is None:
                break
            node = branch
            if node.name is not None:
                found, length = node.name, number + 1 - first
        return found, length

    def _add(self, alias: str, name: str) -> None:
        text = _normal(alias)
        if text.startswith(("@", "#")):
            self._add_tag(text, alias, name)
        elif not _MEANINGFUL.search(text):
            raise ValueError(f"the alias '{alias}' of '{name}' has no letter, digit or symbol to look for")
        else:
            self._add_words(text, alias, name)

    def _add_words(self, text: str, alias: str, name: str) -> None:
        node = self._root
        for mark, run, other in _TOKEN.findall(text):
            for word in [*([mark] if mark else []), *(_words(run) or [other])]:
                node = node.branches.setdefault(word, _Node())
        node.name = _one_owner(node.name, alias, name)
        tag = _LEFT_OUT_OF_HASHTAGS.sub("", text)
        if _WORD.fullmatch(tag):
            self._set_tag(tag, alias, name)

    def _add_tag(self, text: str, alias: str, name: str) -> None:
        if not _WORD.fullmatch(text, 1):
            raise ValueError(f"the alias '{alias}' of '{name}' begins with {text[0]}, but is no hashtag or handle")
        self._set_tag(text, alias, name)

    def _set_tag(self, tag: str, alias: str, name: str) -> None:
        key = tag.replace("_", "").casefold()
        self._tags[key] = _one_owner(self._tags.get(key), alias, name)


def _one_owner(known: str | None, alias: str, name: str) -> str:
    if known not in {None, name}:
        raise ValueError(f"the alias '{alias}' belongs to '{known}' and to '{name}': leave it to one of them")
    return name


def _normal(text: str) -> str:
    if "&" in text:
        text = html.unescape(text)
    if "://" in text:
        text = _URL.sub(" ", text)
    return text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_TYPOGRAPHY))


def _words(run: str) -> list[str]:
    if run.isascii():
        return [run.lower()] if run else []
    return [unicodedata.normalize("NFC", word.casefold()) for word in _SCRIPTS.findall(run)]
