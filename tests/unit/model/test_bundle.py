import hashlib
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stream.errors import BundleError
from stream.model import bundle as bundle_module
from stream.model.bundle import (
    MODEL_FILE,
    SHIPPED,
    SHIPPED_BUNDLE,
    TOKENIZER_FILE,
    file_sha256,
    find_bundle,
    load_bundle,
    seconds_since_change,
)
from tests.unit.tiny_bundle import manifest_json, write_bundle, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a good bundle, for a test to change."""
    return write_bundle(tmp_path / "bundle")


def message_of(path: Path) -> str:
    """Return the message of the error that loading raises, which must be one line."""
    with pytest.raises(BundleError) as caught:
        load_bundle(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_good_bundle_is_read_with_its_manifest(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert (bundle.manifest.name, bundle.manifest.max_tokens) == ("tiny", 12)
    assert bundle.model.path.read_bytes() == (folder / MODEL_FILE).read_bytes()
    assert bundle.tokenizer.path.read_bytes() == (folder / TOKENIZER_FILE).read_bytes()


def test_a_manifest_may_list_the_languages_that_the_model_labels(folder: Path) -> None:
    assert load_bundle(folder).manifest.languages == []
    write_manifest(folder, languages=["en", "fr", "fil"])
    assert load_bundle(folder).manifest.languages == ["en", "fr", "fil"]


@pytest.mark.parametrize("shipped", ["default", "fast", "reputation"])
def test_the_shipped_english_bundles_list_english(shipped: str) -> None:
    assert load_bundle(SHIPPED / shipped).manifest.languages == ["en"]


def test_a_bundle_is_known_by_the_hash_of_its_model(folder: Path) -> None:
    assert load_bundle(folder).sha256 == hashlib.sha256((folder / MODEL_FILE).read_bytes()).hexdigest()


def test_probabilities_hold_for_equal_classes_unless_biases_were_calibrated_for_others(folder: Path) -> None:
    assert load_bundle(folder).manifest.class_prior == (1 / 3, 1 / 3, 1 / 3)
    write_manifest(folder, calibration={"method": "biases", "prior": [0.2, 0.5, 0.3]})
    assert load_bundle(folder).manifest.class_prior == (0.2, 0.5, 0.3)
    write_manifest(folder, calibration={"method": "temperature", "prior": [0.2, 0.5, 0.3]})
    assert load_bundle(folder).manifest.class_prior == (1 / 3, 1 / 3, 1 / 3)


@pytest.mark.parametrize(
    "prior", [None, [0.5, 0.5], [0, 0.5, 0.5], [1.5, 0.5, 0.5], ["0.2", 0.5, 0.3], [True, 0.5, 0.5], 1]
)
def test_a_wrong_prior_of_a_calibration_is_refused(folder: Path, prior: object) -> None:
    write_manifest(folder, calibration={"method": "scales", "prior": prior})
    assert "calibration.prior must be three shares above 0 and at most 1" in message_of(folder)


@pytest.mark.parametrize("tokens", [3, 512])
def test_a_text_may_have_from_3_to_512_tokens(folder: Path, tokens: int) -> None:
    write_manifest(folder, max_tokens=tokens, length_buckets=[tokens])
    assert load_bundle(folder).manifest.max_tokens == tokens


@pytest.mark.parametrize("wanted", [None, Path("default"), Path("fast")])
def test_the_shipped_bundles_are_good(wanted: Path | None) -> None:
    assert load_bundle(wanted).manifest.max_tokens >= 60


def test_a_folder_takes_precedence_over_a_shipped_bundle_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_bundle(Path("fast")) == SHIPPED / "fast"
    write_bundle(tmp_path / "fast")
    assert load_bundle(Path("fast")).manifest.name == "tiny"


@pytest.mark.parametrize("wanted", ["gone", "elsewhere/fast", "/fast"])
def test_a_path_does_not_name_a_shipped_bundle(wanted: str) -> None:
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
    assert load_bundle(folder).tokenizer.path.read_bytes() == shared.read_bytes()


@pytest.mark.parametrize("name", [MODEL_FILE, TOKENIZER_FILE])
def test_a_file_with_one_changed_byte_is_named(folder: Path, name: str) -> None:
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
    "other schema": (with_(schema=2), "schema: "),
    "no schema": (without("schema"), "schema: Field required"),
    "no name": (without("name"), "name: Field required"),
    "empty name": (with_(name=""), "name: "),
    "no licence": (without("licence"), "licence: "),
    "no source": (without("source"), "source: "),
    "unknown key": (with_(colour="red"), "colour: "),
    "unknown precision": (with_(precision="int4"), "precision: "),
    "unknown label": (with_(labels=["bad", "neutral", "positive"]), "labels.0: "),
    "label twice": (with_(labels=["negative", "negative", "positive"]), "labels must be negative, neutral, positive"),
    "label too few": (with_(labels=["negative", "positive"]), "labels must be negative, neutral, positive"),
    "buckets that do not ascend": (with_(length_buckets=[8, 4, 12]), "length_buckets must ascend"),
    "bucket twice": (with_(length_buckets=[4, 4, 12]), "length_buckets must ascend"),
    "buckets below the longest text": (with_(length_buckets=[4, 8]), "length_buckets must ascend and end with"),
    "buckets beyond the longest text": (with_(length_buckets=[4, 16]), "length_buckets must ascend and end with"),
    "no buckets": (with_(length_buckets=[]), "length_buckets must ascend"),
    "too few tokens for a word": (with_(max_tokens=2), "max_tokens: "),
    "more tokens than BERT has positions": (with_(max_tokens=513), "max_tokens: "),
    "temperature of 0": (with_(temperature=0), "temperature: "),
    "temperature that makes every probability nan": (with_(temperature=5e-324), "temperature: "),
    "temperature too low": (with_(temperature=0.049), "temperature: "),
    "temperature too high": (with_(temperature=20.1), "temperature: "),
    "infinite temperature": (with_(temperature=math.inf), "the number Infinity is not finite"),
    "temperature that is not a number": (with_(temperature=math.nan), "the number NaN is not finite"),
    "infinite number among the notes": (with_(scores={"f1": -math.inf}), "the number -Infinity is not finite"),
    "bucket of no token": (with_(length_buckets=[0, 12]), "length_buckets.0: "),
    "negative bucket": (with_(length_buckets=[-4, 12]), "length_buckets.0: "),
    "very long name": (with_(name="a" * 129), "name: "),
    "very many files": (with_(files=dict.fromkeys(map(str, range(65)), "1" * 64)), "files: "),
    "cleaning without a version": (with_(cleaning={"name": "paper"}), "cleaning.version: "),
    "no hash of the model": (with_(files={TOKENIZER_FILE: "1" * 64}), "files has no hash of model.tflite"),
    "no hash of the tokenizer": (with_(files={MODEL_FILE: "1" * 64}), "files has no hash of tokenizer.json"),
    "language twice": (with_(languages=["en", "fr", "en"]), "languages must name each language once"),
    "language in words": (with_(languages=["english"]), "languages.0: "),
    "language of a region": (with_(languages=["pt-BR"]), "languages.0: "),
    "malformed hash": (with_(files=HASHES | {MODEL_FILE: "abc"}), "files.model.tflite: "),
}


@pytest.mark.parametrize(("spoil", "expected"), WRONG.values(), ids=WRONG)
def test_an_error_in_a_manifest_is_named(folder: Path, spoil: Callable[[dict[str, Any]], None], expected: str) -> None:
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
def test_an_invalid_file_name_is_refused(folder: Path, name: str) -> None:
    write_manifest(folder, files={name: "2" * 64, **HASHES})
    assert str(folder) in message_of(folder)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"name": "a", "name": "b"}', "the key 'name' is there twice"),
        ('{"source": {"a": 1, "b": 2, "a": 3}}', "the key 'a' is there twice"),
        ('{"temperature": 1e999}', "the number 1e999 is not finite"),
        ('{"source": {"loss": -1e400}}', "the number -1e400 is not finite"),
        ('{"source": ' + "[" * 100_000, "recursion"),
        ('{"source": {"loss": ' + "9" * 5000 + "}}", "digits"),
    ],
    ids=["key twice", "key twice within", "number too large", "negative number", "nested deeply", "very long number"],
)
def test_json_that_parsers_disagree_on_is_refused(folder: Path, content: str, expected: str) -> None:
    (folder / "model.json").write_text(content, encoding="utf-8")
    message = message_of(folder)
    assert message.startswith(f"{folder / 'model.json'} is not a bundle's manifest: ")
    assert expected in message


FILES = ("model.json", MODEL_FILE, TOKENIZER_FILE)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_a_file_that_is_not_regular_is_refused_and_not_read(
    folder: Path, name: str, make: Callable[[Path], None]
) -> None:
    (folder / name).unlink()
    make(folder / name)
    assert message_of(folder).startswith(f"{folder / name} is not a regular file")


def test_a_pipe_that_takes_the_place_of_a_file_as_it_is_opened_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / MODEL_FILE
    status = os.stat

    def exchanged(name: str, *, dir_fd: int) -> os.stat_result:
        found = status(name, dir_fd=dir_fd)
        if name == MODEL_FILE:
            path.unlink()
            os.mkfifo(path)
        return found

    monkeypatch.setattr("os.stat", exchanged)
    assert message_of(folder).startswith(f"{path} is not a regular file")


@pytest.mark.parametrize("name", FILES)
def test_links_to_regular_files_are_followed(folder: Path, tmp_path: Path, name: str) -> None:
    release = tmp_path / "releases" / "1"
    release.mkdir(parents=True)
    (folder / name).rename(release / name)
    (folder / name).symlink_to(os.path.relpath(release / name, folder))
    (tmp_path / "current").symlink_to("bundle")
    assert load_bundle(tmp_path / "current").manifest.name == "tiny"


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_too_large_is_refused_before_it_is_read(folder: Path, name: str) -> None:
    os.truncate(folder / name, 1 << 40)  # without taking room on the disk
    assert message_of(folder).startswith(f"{folder / name} is larger than ")


def test_a_file_that_grows_while_it_is_read_is_read_up_to_the_limit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = (folder / MODEL_FILE).stat().st_size
    monkeypatch.setitem(bundle_module.MOST_BYTES, MODEL_FILE, 10 * size)
    monkeypatch.setattr(bundle_module, "_CHUNK_BYTES", size)
    write, reads = os.write, []

    def growing(descriptor: int, chunk: bytes) -> int:
        reads.append(len(chunk))
        with (folder / MODEL_FILE).open("ab") as file:
            file.write(b"?" * size)
        return write(descriptor, chunk)

    monkeypatch.setattr("os.write", growing)
    assert message_of(folder).startswith(f"{folder / MODEL_FILE} is larger than ")
    assert sum(reads) <= 10 * size


@pytest.mark.parametrize("name", [MODEL_FILE, TOKENIZER_FILE])
def test_a_bundle_keeps_what_it_read_whatever_happens_to_its_files(folder: Path, name: str) -> None:
    before = {file: (folder / file).read_bytes() for file in (MODEL_FILE, TOKENIZER_FILE)}
    loaded = load_bundle(folder)
    (folder / name).write_bytes(b"something else")
    os.truncate(folder / name, 0)
    (folder / name).unlink()
    assert loaded.model.path.read_bytes() == before[MODEL_FILE]
    assert loaded.tokenizer.path.read_bytes() == before[TOKENIZER_FILE]


def test_the_bytes_that_are_hashed_are_those_that_are_loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / MODEL_FILE).read_bytes()
    sha256 = hashlib.sha256

    def exchanging() -> Any:
        (folder / MODEL_FILE).write_bytes(before)
        return sha256()

    monkeypatch.setattr("hashlib.sha256", exchanging)
    loaded = load_bundle(folder)
    (folder / MODEL_FILE).write_bytes(b"exchanged after the hash")
    assert loaded.model.path.read_bytes() == before


def test_all_files_come_from_one_folder_even_if_a_link_changes_meanwhile(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_bundle(tmp_path / "other", {"name": "other"}, columns=2)
    link = tmp_path / "current"
    link.symlink_to(folder)
    parse = bundle_module.parse_manifest

    def relinked(path: Path, content: bytes) -> Any:
        link.unlink()
        link.symlink_to(other)
        return parse(path, content)

    monkeypatch.setattr(bundle_module, "parse_manifest", relinked)
    assert load_bundle(link).model.path.read_bytes() == (folder / MODEL_FILE).read_bytes()


@pytest.mark.parametrize("path", ["link in a circle", "file", "folder that may not be entered", "nul\0"])
def test_a_path_that_cannot_be_opened_is_a_bundle_error(tmp_path: Path, path: str) -> None:
    (tmp_path / "link in a circle").symlink_to(tmp_path / "link in a circle")
    (tmp_path / "file").touch()
    (tmp_path / "folder that may not be entered").mkdir(mode=0)
    assert message_of(tmp_path / path).startswith(f"no model bundle at {tmp_path / path}: cannot read model.json (")


def test_a_link_to_nowhere_is_not_taken_for_a_shipped_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fast").symlink_to("gone")
    assert find_bundle(Path("fast")) == Path("fast")


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_descriptors_are_closed_with_the_bundle(folder: Path) -> None:
    before = open_files()
    loaded = load_bundle(folder)
    assert len(open_files() - before) == 2
    del loaded
    assert open_files() == before
    (folder / TOKENIZER_FILE).unlink()
    message_of(folder)
    assert open_files() == before


def test_the_age_of_a_bundle_is_that_of_its_latest_change_whatever_its_times_are_set_to(folder: Path) -> None:
    for path in (folder, *folder.iterdir()):
        os.utime(path, (0, 0))
    assert seconds_since_change(folder) < 60


def test_where_a_bundle_is_missing_its_parent_s_age_counts(tmp_path: Path) -> None:
    assert seconds_since_change(tmp_path / "gone") < 60
    assert seconds_since_change(tmp_path / "gone" / "gone") == math.inf


def test_links_to_nowhere_do_not_hide_the_age_of_a_bundle(folder: Path) -> None:
    (folder / "notes").symlink_to("gone")
    assert seconds_since_change(folder) < 60


def test_a_clock_that_was_set_back_does_not_make_a_bundle_look_new(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1000.0)
    assert seconds_since_change(folder) > 1e6
