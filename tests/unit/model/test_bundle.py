import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stream.errors import BundleError
from stream.model.bundle import (
    MODEL_FILE,
    SHIPPED,
    SHIPPED_BUNDLE,
    TOKENIZER_FILE,
    file_sha256,
    find_bundle,
    load_bundle,
)
from tests.unit.tiny_bundle import manifest_json, write_bundle, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good bundle's folder, to be spoilt."""
    return write_bundle(tmp_path / "bundle")


def message_of(path: Path) -> str:
    """The error that loading ends in, which must be one line."""
    with pytest.raises(BundleError) as caught:
        load_bundle(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_good_bundle_is_read_with_its_manifest(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert (bundle.manifest.name, bundle.manifest.max_tokens) == ("tiny", 12)
    assert bundle.model_path == folder / MODEL_FILE
    assert bundle.tokenizer_path == folder / TOKENIZER_FILE


def test_a_bundle_is_known_by_the_hash_of_its_model(folder: Path) -> None:
    assert load_bundle(folder).sha256 == hashlib.sha256((folder / MODEL_FILE).read_bytes()).hexdigest()


@pytest.mark.parametrize("tokens", [3, 512])
def test_a_text_may_have_from_3_to_512_tokens(folder: Path, tokens: int) -> None:
    write_manifest(folder, max_tokens=tokens, length_buckets=[tokens])
    assert load_bundle(folder).manifest.max_tokens == tokens


@pytest.mark.parametrize("wanted", [None, Path("default"), Path("fast")])
def test_the_shipped_bundles_are_good(wanted: Path | None) -> None:
    assert load_bundle(wanted).manifest.max_tokens >= 60


def test_a_folder_comes_before_a_shipped_bundle_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_bundle(Path("fast")) == SHIPPED / "fast"
    write_bundle(tmp_path / "fast")
    assert load_bundle(Path("fast")).manifest.name == "tiny"


@pytest.mark.parametrize("wanted", ["gone", "elsewhere/fast", "/fast"])
def test_a_path_is_no_shipped_bundle_s_name(wanted: str) -> None:
    assert find_bundle(Path(wanted)) == Path(wanted)


def test_a_bundle_may_carry_more_files_and_notes(folder: Path) -> None:
    (folder / "LICENCE").write_text("free", encoding="utf-8")
    names = (MODEL_FILE, TOKENIZER_FILE, "LICENCE")
    write_manifest(folder, files={name: file_sha256(folder / name) for name in names}, scores={"accuracy": 0.7})
    assert load_bundle(folder).manifest.scores == {"accuracy": 0.7}


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert message_of(tmp_path / "gone") == (
        f"no model bundle at {tmp_path / 'gone'}: cannot read model.json (No such file or directory)"
    )


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    assert f"no model bundle at {tmp_path}" in message_of(tmp_path)


@pytest.mark.parametrize("name", [MODEL_FILE, TOKENIZER_FILE])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert message_of(folder) == f"the model bundle at {folder} lacks {name} (No such file or directory)"


def test_a_bundle_may_omit_a_file_that_the_default_bundle_has(folder: Path) -> None:
    shared = SHIPPED_BUNDLE / TOKENIZER_FILE
    write_manifest(folder, files={MODEL_FILE: file_sha256(folder / MODEL_FILE), TOKENIZER_FILE: file_sha256(shared)})
    (folder / TOKENIZER_FILE).unlink()
    assert load_bundle(folder).tokenizer_path == shared


@pytest.mark.parametrize("name", [MODEL_FILE, TOKENIZER_FILE])
def test_a_file_of_which_one_byte_was_changed_is_named(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    assert message_of(folder).startswith(f"{folder / name} is not the file that model.json names: its sha256 begins ")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"null"])
def test_a_manifest_that_is_no_json_object_is_named(folder: Path, content: bytes) -> None:
    (folder / "model.json").write_bytes(content)
    assert message_of(folder).startswith(f"{folder / 'model.json'} is not a bundle's manifest: ")


def without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda manifest: manifest.pop(key)


def with_(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda manifest: manifest.update(changes)


HASHES = {MODEL_FILE: "0" * 64, TOKENIZER_FILE: "1" * 64}
WRONG = {
    "schema of another time": (with_(schema=2), "schema: "),
    "no schema": (without("schema"), "schema: Field required"),
    "no name": (without("name"), "name: Field required"),
    "empty name": (with_(name=""), "name: "),
    "no licence": (without("licence"), "licence: "),
    "no source": (without("source"), "source: "),
    "a key too many": (with_(colour="red"), "colour: "),
    "unheard-of precision": (with_(precision="int4"), "precision: "),
    "unheard-of label": (with_(labels=["bad", "neutral", "positive"]), "labels.0: "),
    "label twice": (with_(labels=["negative", "negative", "positive"]), "labels must be negative, neutral, positive"),
    "label too few": (with_(labels=["negative", "positive"]), "labels must be negative, neutral, positive"),
    "buckets that do not ascend": (with_(length_buckets=[8, 4, 12]), "length_buckets must ascend"),
    "bucket twice": (with_(length_buckets=[4, 4, 12]), "length_buckets must ascend"),
    "buckets short of the longest text": (with_(length_buckets=[4, 8]), "length_buckets must ascend and end with"),
    "buckets beyond the longest text": (with_(length_buckets=[4, 16]), "length_buckets must ascend and end with"),
    "no buckets": (with_(length_buckets=[]), "length_buckets must ascend"),
    "room for no word": (with_(max_tokens=2), "max_tokens: "),
    "more tokens than BERT has places": (with_(max_tokens=513), "max_tokens: "),
    "no temperature at all": (with_(temperature=0), "temperature: "),
    "cleaning without a version": (with_(cleaning={"name": "paper"}), "cleaning.version: "),
    "no hash of the model": (with_(files={TOKENIZER_FILE: "1" * 64}), "files has no hash of model.tflite"),
    "no hash of the tokeniser": (with_(files={MODEL_FILE: "1" * 64}), "files has no hash of tokenizer.json"),
    "hash that is none": (with_(files=HASHES | {MODEL_FILE: "abc"}), "files.model.tflite: "),
}


@pytest.mark.parametrize(("spoil", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_in_a_manifest_is_named(
    folder: Path, spoil: Callable[[dict[str, Any]], None], expected: str
) -> None:
    manifest = manifest_json()
    spoil(manifest)
    (folder / "model.json").write_text(json.dumps(manifest), encoding="utf-8")
    message = message_of(folder)
    assert message.startswith(f"{folder / 'model.json'} is not a bundle's manifest: ")
    assert expected in message


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "more/weights", "./model.tflite"])
def test_a_file_outside_the_folder_is_refused(folder: Path, name: str) -> None:
    write_manifest(folder, files={name: "2" * 64, **HASHES})
    assert message_of(folder) == f"{folder / 'model.json'} names a file outside the bundle: {name}"


@pytest.mark.parametrize("name", ["..", "", "model\0"])
def test_a_file_name_that_is_none_is_refused(folder: Path, name: str) -> None:
    write_manifest(folder, files={name: "2" * 64, **HASHES})
    assert str(folder) in message_of(folder)
