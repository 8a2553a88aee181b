"""Conversion of cleaned text into token ids."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Encoding
from tokenizers import Tokenizer as HuggingFaceTokenizer

from stream.errors import BundleError
from stream.model.bundle import TOKENIZER_FILE, Bundle


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tweet's token ids: [CLS], word pieces, [SEP]."""

    ids: list[int]
    truncated: bool
    """True if the text had more tokens than the model reads."""


class Tokenizer:
    """A bundle's tokenizer, which cuts texts at the bundle's `max_tokens`.

    Raises:
        BundleError: `tokenizer.json` is not a tokenizer.
    """

    def __init__(self, bundle: Bundle) -> None:
        try:
            self._tokenizer = HuggingFaceTokenizer.from_buffer(bundle.tokenizer.path.read_bytes())
        except Exception as error:  # the Rust side raises bare Exceptions
            raise BundleError(f"{bundle.path / TOKENIZER_FILE} cannot be read as a tokenizer: {error}") from error
        self._tokenizer.no_padding()
        self._max_tokens = bundle.manifest.max_tokens
        self._tokenizer.enable_truncation(self._max_tokens)

    @property
    def largest_id(self) -> int:
        """The largest id in the vocabulary, which is read as a whole only where its ids have gaps."""
        size = self._tokenizer.get_vocab_size(with_added_tokens=True)
        if all(self._tokenizer.id_to_token(number) is not None for number in range(size)):
            return max(size - 1, 0)
        return max(self._tokenizer.get_vocab(with_added_tokens=True).values())

    def encode(self, text: str) -> Tokens:
        """Encode one cleaned text."""
        return self._tokens(self._tokenizer.encode(text))  # a batch of one takes half as long again

    def encode_all(self, texts: Sequence[str]) -> list[Tokens]:
        """Encode many cleaned texts, faster than one by one."""
        return [self._tokens(encoding) for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def _tokens(self, encoding: Encoding) -> Tokens:
        ids = encoding.ids
        return Tokens(ids, truncated=len(ids) == self._max_tokens and bool(encoding.overflowing))
