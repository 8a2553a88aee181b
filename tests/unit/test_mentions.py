import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.mentions import Mentions

LISTED = Mentions(
    {
        "Acme": ["Acme", "@acme_help", "#acmefail"],
        "Acme Cars": ["Acme Cars"],
        "Globex": ["Globex", "Globex Corporation"],
        "Land Otter": ["Land Otter"],
        "Q&A": ["Q&A"],
        "C++": ["C++"],
        "Fyord": ["@fyord"],
        "Škola": ["Škola"],
        "McDougal's": ["McDougal's"],
        "小鸟": ["小鸟"],
        "バード": ["バード"],
        "चिड़िया": ["चिड़िया"],
    }
)

FOUND = {
    "a word": ("an Acme car", ["Acme"]),
    "lower case": ("ACME acme aCmE", ["Acme"]),
    "between marks": ('(acme)... or "Globex"?!', ["Acme", "Globex"]),
    "possessive": ("Acme's best", ["Acme"]),
    "hashtag": ("#acme", ["Acme"]),
    "handle": ("@ACME hi", ["Acme"]),
    "listed handle": ("ask @Acme_Help", ["Acme"]),
    "listed hashtag": ("#AcmeFail again", ["Acme"]),
    "parts of a hashtag": ("#MyNewAcme", ["Acme"]),
    "two parts of a hashtag": ("#OldLandOtter", ["Land Otter"]),
    "hashtag of two words": ("#landotter", ["Land Otter"]),
    "underscores": ("#land_otter and @Land_Otter", ["Land Otter"]),
    "two words": ("Land  otter\nacme", ["Land Otter", "Acme"]),
    "the longest": ("acme cars, globex corporation", ["Acme Cars", "Globex"]),
    "order of the first mention": ("globex, acme, globex", ["Globex", "Acme"]),
    "punctuation": ("q&a, q&amp;a", ["Q&A"]),
    "hashtag without punctuation": ("#QA", ["Q&A"]),
    "symbols": ("in c++.", ["C++"]),
    "handle alone": ("@Fyord", ["Fyord"]),
    "accent": ("ŠKOLA", ["Škola"]),
    "composed accent": ("s\u030ckola", ["Škola"]),
    "full width": ("\uff21\uff43\uff4d\uff45", ["Acme"]),
    "typographic apostrophe": ("McDougal\u2019s", ["McDougal's"]),
    "no spaces": ("我有小鸟和Acme车", ["小鸟", "Acme"]),
    "a run of Katakana": ("新しいバードです", ["バード"]),
    "vowel signs": ("एक चिड़िया है", ["चिड़िया"]),
}
NOT_FOUND = {
    "part of a word": "acmes macme acme2 acme_x",
    "part of a lower-case hashtag": "#newacme #acmes",
    "part of a hashtag's part": "#NewAcmes",
    "part of a handle": "@AcmeFan @new_acme",
    "a link": "https://acme.example/acme?acme",
    "other punctuation": "q a, c, c+, #c",
    "a handle that is meant alone": "fyord #fyord",
    "without the accent": "skola",
    "part of a run of Katakana": "バードウォッチング",
    "part of a word with vowel signs": "चिड़ियाघर",
    "words apart": "land and otter, land. otter",
    "a handle between words": "land @otter",
    "nothing": "",
}


@pytest.mark.parametrize(("text", "names"), FOUND.values(), ids=FOUND)
def test_a_mention_is_found(text: str, names: list[str]) -> None:
    assert LISTED.find(text) == names


@pytest.mark.parametrize("text", NOT_FOUND.values(), ids=NOT_FOUND)
def test_what_is_no_mention_is_not_found(text: str) -> None:
    assert LISTED.find(text) == []


def test_an_alias_is_no_regular_expression() -> None:
    mentions = Mentions({"a": ["x.*y", "(b|c)+", "[z", "\\w"]})
    assert mentions.find("xxxy b c bcbc z w") == []
    assert mentions.find("see x.*y") == ["a"]
    assert mentions.find("(b|c)+") == ["a"]


@pytest.mark.parametrize("alias", ["", " ", "...", "-", "\u200b"])
def test_an_alias_without_anything_to_look_for_is_refused(alias: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"the alias '{alias}' of 'a' has no letter, digit or symbol")):
        Mentions({"a": [alias]})


@pytest.mark.parametrize("alias", ["@", "#", "@two words", "#a-b", "@@a"])
def test_an_alias_that_begins_with_a_mark_is_one_hashtag_or_handle(alias: str) -> None:
    with pytest.raises(ValueError, match=f"begins with {alias[0]}, but is no hashtag or handle"):
        Mentions({"a": [alias]})


@pytest.mark.parametrize("alias", ["Acme", "ACME", "acme\u200d".removesuffix("\u200d"), "\uff21cme", "A.c.m.e"])
def test_an_alias_of_two_names_is_refused(alias: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"the alias '{alias}' belongs to 'one' and to 'two'")):
        Mentions({"one": ["acme"], "two": [alias]})


def test_an_alias_may_be_listed_twice_for_one_name() -> None:
    assert Mentions({"a": ["Acme", "acme", "ACME"]}).find("acme") == ["a"]


def test_hashtag_handle_and_word_may_belong_to_three_names() -> None:
    mentions = Mentions({"a": ["@acme"], "b": ["#acme"], "c": ["acme"]})
    assert mentions.find("@acme #acme acme") == ["a", "b", "c"]


@given(st.text(max_size=300))
def test_any_text_may_be_searched(text: str) -> None:
    names = LISTED.find(text)
    assert len(set(names)) == len(names)
    assert LISTED.find(f"{text} Globex")[-1:] == ["Globex"] or "Globex" in names


@given(st.lists(st.sampled_from(["acme", "cars", "globex", "land", "otter", "the", ",", "#new"]), max_size=30))
def test_each_listed_word_in_a_text_is_found(words: list[str]) -> None:
    text = f" {' '.join(words)} "
    patterns = {"Acme": " acme (?!cars )", "Globex": " globex "}
    expected = {name for name, pattern in patterns.items() if re.search(pattern, text)}
    assert set(LISTED.find(text)) & {"Acme", "Globex"} == expected


def documented() -> list[tuple[str, str, bool]]:
    """Return example, alias and verdict of each cell of the table in docs/reputation.md."""
    page = (Path(__file__).parents[2] / "docs" / "reputation.md").read_text(encoding="utf-8")
    rows = [row.strip("| ").split(" | ") for row in page.splitlines() if re.search(r"\| (?:yes|no) \|$", row)]
    aliases = ("Norvane Air", "@norvane_help")
    return [
        (example, alias, verdict == "yes")
        for row in rows
        for example in re.findall(r"`([^`]+)`", row[0])
        for alias, verdict in zip(aliases, row[1:], strict=True)
    ]


@pytest.mark.parametrize(("example", "alias", "is_found"), documented())
def test_the_examples_in_the_document_are_right(example: str, alias: str, is_found: object) -> None:
    assert Mentions({"it": [alias]}).find(f"well, {example} again") == (["it"] if is_found else [])
