"""The shipped multilingual bundle: its tokeniser of the unigram kind, and tweets in its eight languages."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.model.bundle import MODEL_FILE, SHIPPED, TOKENIZER_FILE
from stream.model.loading import Model, load_model
from stream.settings import ModelSettings
from stream.tweets.polarity import POLARITIES, Polarity
from stream.tweets.tweet import Tweet

PADDING, _, BEGIN, END, MASK = range(5)
SPECIAL = {PADDING, BEGIN, END, MASK}

SAMPLES = Path(str(files("stream"))) / "samples" / "languages.jsonl"
TWEETS: Mapping[str, Mapping[Polarity, str]] = {
    "ar": {
        "negative": "أسوأ خدمة رأيتها في حياتي، خيبة أمل كبيرة",
        "neutral": "يعقد المجلس اجتماعه القادم يوم الثلاثاء في العاصمة",
        "positive": "شكرا جزيلا لكم، كان يوما رائعا وأنا سعيد جدا",
    },
    "en": {
        "negative": "Two hours late again, this is the worst airline I have ever flown with",
        "neutral": "The council meets on Tuesday at 7 pm in the town hall",
        "positive": "What a wonderful evening, thank you all so much, I love this band!",
    },
    "fr": {
        "negative": "Quelle honte, ce service est vraiment nul et je suis furieux",
        "neutral": "Le conseil se réunit mardi à 19 heures à la mairie",
        "positive": "Merci à tous pour cette magnifique soirée, c'était génial !",
    },
    "de": {
        "negative": "So ein Mist, der Zug fällt schon wieder aus, das nervt total",
        "neutral": "Der Stadtrat tagt am Dienstag um 19 Uhr im Rathaus",
        "positive": "Danke für den wunderschönen Abend, ich freue mich so sehr!",
    },
    "it": {
        "negative": "Che schifo, il servizio peggiore di sempre, sono furioso",
        "neutral": "Il consiglio comunale si riunisce martedì alle 19",
        "positive": "Grazie a tutti per la bellissima serata, sono felicissimo!",
    },
    "es": {
        "negative": "Qué asco de servicio, es el peor hotel de mi vida, estoy muy triste",
        "neutral": "El consejo se reúne el martes a las siete en el ayuntamiento",
        "positive": "¡Muchas gracias a todos, ha sido una noche maravillosa, os quiero!",
    },
    "pt": {
        "negative": "Que raiva, o pior atendimento da minha vida, odeio isto",
        "neutral": "A câmara municipal reúne-se na terça-feira às 19 horas",
        "positive": "Que noite maravilhosa, amei muito, obrigada a todos!",
    },
    "hi": {
        "negative": "sab log jhooth bolte hain, sharm karo, gaddar desh ke dushman",
        "neutral": "kal subah 9 baje meeting hai",
        "positive": "bahut acchi film thi, maza aa gaya, love it bhai",
    },
}
"""Invented tweets."""


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(ModelSettings(path=SHIPPED / "multilingual", interpreters=1))


def test_the_bundle_names_its_languages(model: Model) -> None:
    assert set(model.languages) == set(TWEETS)


def test_the_bundle_is_at_most_50_megabytes() -> None:
    assert sum(file.stat().st_size for file in (SHIPPED / "multilingual").iterdir()) <= 50_000_000


def _labels(model: Model, texts: Sequence[str]) -> list[Polarity]:
    tweets = [Tweet(id=str(number), text=text) for number, text in enumerate(texts)]
    tokens = model.all_tokens(tweets, [model.cleaned(tweet) for tweet in tweets])
    each = [model.classifiers[0].probabilities([one.ids])[0] for one in tokens]
    return [POLARITIES[int(probabilities.argmax())] for probabilities in each]


def test_tweets_in_its_languages_are_labelled(model: Model) -> None:
    intended = [(language, polarity) for language, tweets in TWEETS.items() for polarity in tweets]
    labels = _labels(model, [TWEETS[language][polarity] for language, polarity in intended])
    assert [(language, label) for (language, _), label in zip(intended, labels, strict=True)] == intended
    assert set(labels) == set(POLARITIES)


def test_most_samples_of_each_language_are_labelled_as_intended(model: Model) -> None:
    samples = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
    labels = _labels(model, [sample["text"] for sample in samples])
    right = Counter(
        sample["lang"] for sample, label in zip(samples, labels, strict=True) if label == sample["intended"]
    )
    each = Counter(sample["lang"] for sample in samples)
    assert each.keys() == set(TWEETS) - {"en"}
    assert {language for language in each if right[language] / each[language] < 2 / 3} <= {"hi"}
    # The processor decides between two labels that are nearly equally probable.
    stated = re.search(
        r"`multilingual` labels (\d+) of them as intended", SAMPLES.with_name("README.md").read_text("utf-8")
    )
    assert stated
    assert abs(sum(right.values()) - int(stated[1])) <= 1


@given(st.text(max_size=300))
def test_any_text_is_between_begin_and_end_and_fits(model: Model, text: str) -> None:
    tokens = model.tokenizer.encode(model.clean(text))
    size = model.tokenizer.largest_id + 1
    assert tokens.ids[0] == BEGIN
    assert tokens.ids[-1] == END
    assert not SPECIAL & set(tokens.ids[1:-1])
    assert all(0 <= number < size for number in tokens.ids)
    assert len(tokens.ids) <= model.bundle.manifest.max_tokens


@given(st.lists(st.sampled_from(["gut", "مرحبا", "ça", "नमस्ते", "😀", "[SEP]", "a b"]), min_size=1, max_size=200))
def test_a_long_text_is_a_cut_longer_one(model: Model, words: list[str]) -> None:
    longest = model.bundle.manifest.max_tokens
    text = model.clean(" ".join(words))
    tokens = model.tokenizer.encode(text)
    longer = model.tokenizer.encode(text + " 7")
    assert tokens.truncated <= longer.truncated
    if tokens.truncated:
        assert len(tokens.ids) == longest
        assert tokens.ids == longer.ids
    assert model.tokenizer.encode_all([text]) == [tokens]


@pytest.mark.parametrize("token", ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>", "<pad>", "<unk>", "<mask>"])
def test_the_name_of_a_special_token_is_text(model: Model, token: str) -> None:
    tokens = model.tokenizer.encode(f"schön {token} {token}nein")
    assert not SPECIAL & set(tokens.ids[1:-1])
    assert len(tokens.ids) > 6


@pytest.mark.parametrize("text", ["Straße", "déjà vu", "año", "não", "città", "مدينة", "नमस्ते", "😂", "—„“"])
def test_no_character_of_its_languages_is_unknown(model: Model, text: str) -> None:
    assert 1 not in model.tokenizer.encode(text).ids


def test_the_manifest_fits_the_files() -> None:
    manifest = json.loads((SHIPPED / "multilingual" / "model.json").read_text(encoding="utf-8"))
    assert manifest["files"].keys() == {MODEL_FILE, TOKENIZER_FILE}
    assert manifest["licence"] == "MIT"


def test_the_card_has_the_scores_of_each_language() -> None:
    card = (SHIPPED / "multilingual" / "README.md").read_text(encoding="utf-8")
    for language in ("Arabic", "English", "French", "German", "Hindi", "Italian", "Portuguese", "Spanish"):
        assert re.search(rf"^\| {language}\b.*\| *\d\d\.\d", card, re.MULTILINE), language
