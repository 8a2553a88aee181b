from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import BundleError
from stream.model.bundle import TOKENIZER_FILE, load_bundle
from stream.model.loading import Model
from stream.model.tokenizer import Tokenizer
from stream.tweets.cleaning import placeholders
from tests.unit.tiny_bundle import WEIGHTS, write_bundle

IDS = {word: number for number, word in enumerate(WEIGHTS)}


def test_a_text_becomes_its_words_between_cls_and_sep(tiny_model: Model) -> None:
    expected = [IDS[word] for word in ("[CLS]", "lovely", "train", "[SEP]")]
    assert tiny_model.tokenizer.encode("lovely train").ids == expected


def test_a_text_that_fits_is_not_truncated(tiny_model: Model) -> None:
    tokens = tiny_model.tokenizer.encode("nice " * 10)
    assert (len(tokens.ids), tokens.truncated) == (12, False)


def test_a_long_text_is_cut_to_the_bundles_length_and_says_so(tiny_model: Model) -> None:
    tokens = tiny_model.tokenizer.encode("nice " * 11)
    assert (len(tokens.ids), tokens.truncated) == (12, True)
    assert (tokens.ids[0], tokens.ids[-1]) == (IDS["[CLS]"], IDS["[SEP]"])


def test_the_shipped_tokeniser_cuts_a_long_text_and_says_so(shipped_model: Model) -> None:
    tokens = shipped_model.tokenizer.encode("never again " * 200)
    assert (len(tokens.ids), tokens.truncated) == (shipped_model.bundle.manifest.max_tokens, True)


def test_padding_and_truncation_that_the_file_brings_along_do_not_count(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    tokeniser = Tokenizer(load_bundle(tiny_bundle))._word_pieces
    tokeniser.enable_padding(length=9)
    tokeniser.enable_truncation(3)
    tokeniser.save(str(folder / TOKENIZER_FILE))
    other = Tokenizer(replace(load_bundle(tiny_bundle), path=folder))
    assert len(other.encode("nice lovely train").ids) == 5


@given(st.lists(st.text().map(placeholders), max_size=8))
def test_many_texts_are_encoded_as_each_one_alone(shipped_model: Model, texts: list[str]) -> None:
    tokenizer = shipped_model.tokenizer
    assert tokenizer.encode_all(texts) == [tokenizer.encode(text) for text in texts]


@given(st.text(st.characters(exclude_categories=[]), max_size=400))
def test_any_cleaned_text_fits_the_shipped_model(shipped_model: Model, text: str) -> None:
    tokens = shipped_model.tokenizer.encode(placeholders(text))
    assert 2 <= len(tokens.ids) <= shipped_model.bundle.manifest.max_tokens


@pytest.mark.parametrize("content", [b"", b"{}", b"no tokeniser", b"\xff"])
def test_a_tokeniser_that_is_none_is_a_bundle_error_that_names_it(
    tiny_bundle: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / TOKENIZER_FILE).write_bytes(content)
    with pytest.raises(BundleError, match=f"{tmp_path / TOKENIZER_FILE} cannot be read as a tokeniser"):
        Tokenizer(replace(load_bundle(tiny_bundle), path=tmp_path))
