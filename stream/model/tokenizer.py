"""Turns cleaned text into token ids."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Encoding
from tokenizers import Tokenizer as WordPieces

from stream.errors import BundleError
from stream.model.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tweet as the model reads it: [CLS], word pieces, [SEP]."""

    ids: list[int]
    truncated: bool
    """Whether the text was longer than the model reads."""


class Tokenizer:
    """A bundle's tokeniser, cutting at the bundle's `max_tokens`.

    Raises:
        BundleError: `tokenizer.json` is not a tokeniser.
    """

    def __init__(self, bundle: Bundle) -> None:
        try:
            self._word_pieces = WordPieces.from_file(str(bundle.tokenizer_path))
        except Exception as error:  # the Rust side raises bare Exceptions
            raise BundleError(f"{bundle.tokenizer_path} cannot be read as a tokeniser: {error}") from error
        self._word_pieces.no_padding()
        self._max_tokens = bundle.manifest.max_tokens
        self._word_pieces.enable_truncation(self._max_tokens)

    def encode(self, text: str) -> Tokens:
        """Encode one cleaned text."""
        return self._tokens(self._word_pieces.encode(text))  # a batch of one takes half as long again

    def encode_all(self, texts: Sequence[str]) -> list[Tokens]:
        """Encode many cleaned texts; faster a text than one by one."""
        return [self._tokens(encoding) for encoding in self._word_pieces.encode_batch_fast(list(texts))]

    def _tokens(self, encoding: Encoding) -> Tokens:
        ids = encoding.ids
        return Tokens(ids, truncated=len(ids) == self._max_tokens and bool(encoding.overflowing))
