"""Tokeniser of XLM-R in the format of Hugging Face's tokenizers, with BERT's names of the special pieces."""

import io
from collections.abc import Sequence

from sentencepiece import SentencePieceTrainer
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Pieces

from training.errors import CheckpointError

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Special pieces in the order of their ids, which begin at 0: the service pads with 0."""
_SPACE = "▁"
_NORMALISER, _TABLE = 3, 2
"""Fields of SentencePiece's models: the normaliser, and its table of characters."""


def make_tokeniser(pieces: Sequence[str], scores: Sequence[float]) -> Pieces:
    """Make a tokeniser.

    Args:
        pieces: Pieces without the special ones, which come before them.
        scores: Logarithm of each piece's probability.
    """
    vocabulary = [*((piece, 0.0) for piece in SPECIAL), *zip(pieces, scores, strict=True)]
    tokeniser = Pieces(models.Unigram(vocabulary, unk_id=SPECIAL.index("[UNK]"), byte_fallback=False))
    tokeniser.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(_character_map()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokeniser.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always", split=True)
    tokeniser.decoder = decoders.Metaspace(replacement=_SPACE, prepend_scheme="always")
    tokeniser.add_special_tokens(
        [AddedToken(piece, normalized=False, special=True, lstrip=piece == "[MASK]") for piece in SPECIAL]
    )
    tokeniser.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(piece, SPECIAL.index(piece)) for piece in ("[CLS]", "[SEP]")],
    )
    return tokeniser


def _character_map() -> bytes:
    """Return SentencePiece's table nmt_nfkc, XLM-R's normalisation, from a toy model that is trained with it."""
    written = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e f g"] * 20),
        model_writer=written,
        vocab_size=12,
        model_type="unigram",
        normalization_rule_name="nmt_nfkc",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return _field(_field(written.getvalue(), _NORMALISER), _TABLE)


def _field(message: bytes, number: int) -> bytes:
    """Return a field of a protocol buffer, without sentencepiece's module for this, which needs another protobuf.

    Raises:
        CheckpointError: The message has no such field.
    """
    at = 0

    def integer() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:  # noqa: PLR2004 - the highest bit: another byte follows
                return value

    while at < len(message):
        key = integer()
        match key & 7:
            case 0:
                integer()
                continue
            case 2:
                size_bytes = integer()
            case kind:
                size_bytes = {1: 8, 5: 4}[kind]
        if key >> 3 == number and key & 7 == 2:  # noqa: PLR2004 - bytes, with their number before them
            return message[at : at + size_bytes]
        at += size_bytes
    raise CheckpointError("the model that sentencepiece wrote has no normalisation: use sentencepiece 0.2")
