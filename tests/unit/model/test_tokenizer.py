from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import BundleError
from stream.model.bundle import TOKENIZER_FILE, load_bundle
from stream.model.loading import Model
from stream.model.tokenizer import Tokenizer
from stream.tweets.cleaning import placeholders
from tests.unit.tiny_bundle import WEIGHTS, tiny_tokenizer, write_bundle, write_manifest

IDS = {word: number for number, word in enumerate(WEIGHTS)}


def test_a_text_becomes_its_words_between_cls_and_sep(tiny_model: Model) -> None:
    expected = [IDS[word] for word in ("[CLS]", "lovely", "train", "[SEP]")]
    assert tiny_model.tokenizer.encode("lovely train").ids == expected


def test_a_text_that_fits_is_not_truncated(tiny_model: Model) -> None:
    tokens = tiny_model.tokenizer.encode("nice " * 10)
    assert (len(tokens.ids), tokens.truncated) == (12, False)


def test_a_long_text_is_cut_to_the_bundles_length_and_marked(tiny_model: Model) -> None:
    tokens = tiny_model.tokenizer.encode("nice " * 11)
    assert (len(tokens.ids), tokens.truncated) == (12, True)
    assert (tokens.ids[0], tokens.ids[-1]) == (IDS["[CLS]"], IDS["[SEP]"])


def test_the_shipped_tokenizer_cuts_a_long_text_and_marks_it(shipped_model: Model) -> None:
    tokens = shipped_model.tokenizer.encode("never again " * 200)
    assert (len(tokens.ids), tokens.truncated) == (shipped_model.bundle.manifest.max_tokens, True)


@pytest.mark.parametrize("token", ["[SEP]", "[CLS]", "[UNK]", "[PAD]", "[MASK]"])
def test_a_special_token_in_a_text_is_text(shipped_model: Model, token: str) -> None:
    tokenizer = shipped_model.tokenizer
    text = f"good {token} bad{token}{token}"
    assert tokenizer.encode(text) == tokenizer.encode(text.lower())
    assert tokenizer.encode_all([text]) == tokenizer.encode_all([text.lower()])


def test_padding_and_truncation_in_the_file_are_ignored(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    file = tiny_tokenizer()
    file.enable_padding(length=9)
    file.enable_truncation(3)
    file.save(str(folder / TOKENIZER_FILE))
    write_manifest(folder)
    assert len(Tokenizer(load_bundle(folder)).encode("nice lovely train").ids) == 5


def test_the_largest_id_is_that_of_the_vocabulary_with_its_added_tokens(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    assert Tokenizer(load_bundle(folder)).largest_id == len(WEIGHTS) - 1
    file = tiny_tokenizer()
    file.add_tokens(["more", "still more"])
    file.save(str(folder / TOKENIZER_FILE))
    write_manifest(folder)
    assert Tokenizer(load_bundle(folder)).largest_id == len(WEIGHTS) + 1


@given(st.lists(st.text().map(placeholders), max_size=8))
def test_many_texts_are_encoded_as_each_one_alone(shipped_model: Model, texts: list[str]) -> None:
    tokenizer = shipped_model.tokenizer
    assert tokenizer.encode_all(texts) == [tokenizer.encode(text) for text in texts]


@given(st.text(st.characters(exclude_categories=[]), max_size=400))
def test_any_cleaned_text_fits_the_shipped_model(shipped_model: Model, text: str) -> None:
    tokens = shipped_model.tokenizer.encode(placeholders(text))
    assert 2 <= len(tokens.ids) <= shipped_model.bundle.manifest.max_tokens


@pytest.mark.parametrize("content", [b"", b"{}", b"no tokenizer", b"\xff"])
def test_a_file_that_is_no_tokenizer_is_a_bundle_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    folder = write_bundle(tmp_path)
    (folder / TOKENIZER_FILE).write_bytes(content)
    write_manifest(folder)
    with pytest.raises(BundleError, match=f"{folder / TOKENIZER_FILE} cannot be read as a tokenizer"):
        Tokenizer(load_bundle(folder))
