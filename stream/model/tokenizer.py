"""Conversion of cleaned text into token ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from tokenizers import Encoding
from tokenizers import Tokenizer as HuggingFaceTokenizer

from stream.errors import BundleError
from stream.model.bundle import MOST_ENTITY_TOKENS, TOKENIZER_FILE, Bundle
from stream.tweets.cleaning import entity_name

_ENTITIES_KEPT = 1024
"""Entities whose token ids are kept, at most: the same ones come again and again."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tweet's token ids: [CLS], word pieces, [SEP]; with an entity also its word pieces, [SEP]."""

    ids: list[int]
    truncated: bool
    """True if the text had more tokens than the model reads."""
    has_entity: bool = False
    """True if the name of an entity is the second segment."""
    own_count: int | None = None
    """Number of tokens where `ids` has also those of a cascade's first model; None: all of them."""

    @property
    def count(self) -> int:
        """Number of tokens that the model reads."""
        return len(self.ids) if self.own_count is None else self.own_count


class Tokenizer:
    """A bundle's tokenizer, which cuts texts at the bundle's `max_tokens`.

    If the model reads an entity, its name becomes the second segment: the name is cut to 16 tokens, and then the text
    so that both fit. If it does not, entities are ignored.

    Raises:
        BundleError: `tokenizer.json` is not a tokenizer.
    """

    def __init__(self, bundle: Bundle) -> None:
        try:
            self._tokenizer = HuggingFaceTokenizer.from_buffer(bundle.tokenizer.path.read_bytes())
        except Exception as error:  # the Rust side raises bare Exceptions
            raise BundleError(f"{bundle.path / TOKENIZER_FILE} cannot be read as a tokenizer: {error}") from error
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True  # `[SEP]` in a tweet is text, and does not end it
        self._max_tokens = bundle.manifest.max_tokens
        self._tokenizer.enable_truncation(self._max_tokens)
        self._reads_entity = bundle.manifest.inputs.entity
        self._entity_ids = lru_cache(_ENTITIES_KEPT)(self._encoded_entity)

    @property
    def largest_id(self) -> int:
        """The largest id in the vocabulary, which is read as a whole only where its ids have gaps."""
        size = self._tokenizer.get_vocab_size(with_added_tokens=True)
        if all(self._tokenizer.id_to_token(number) is not None for number in range(size)):
            return max(size - 1, 0)
        return max(self._tokenizer.get_vocab(with_added_tokens=True).values())

    def encode(self, text: str, entity: str | None = None) -> Tokens:
        """Encode one cleaned text, and the name of the entity that it concerns."""
        # A batch of one takes half as long again.
        return self._tokens(self._tokenizer.encode(text), entity)

    def encode_all(self, texts: Sequence[str], entities: Sequence[str | None] | None = None) -> list[Tokens]:
        """Encode many cleaned texts, faster than one by one.

        Args:
            texts: The texts.
            entities: The name of the entity that each text concerns, or None; None: no text has one.
        """
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        named = entities if entities is not None else [None] * len(encodings)
        return [self._tokens(encoding, entity) for encoding, entity in zip(encodings, named, strict=True)]

    def reads(self, entity: str | None) -> bool:
        """Return whether the model reads an entity of this name."""
        return entity is not None and self._reads_entity and bool(self._entity_ids(entity))

    def _tokens(self, encoding: Encoding, entity: str | None) -> Tokens:
        ids = encoding.ids
        truncated = len(ids) == self._max_tokens and bool(encoding.overflowing)
        if entity is None or not self.reads(entity):
            return Tokens(ids, truncated)
        separator, pieces = ids[-1], self._entity_ids(entity)
        room = self._max_tokens - len(pieces) - 1
        text = [*ids[: room - 1], separator] if len(ids) > room else ids
        return Tokens([*text, *pieces, separator], truncated or len(ids) > room, has_entity=True)

    def _encoded_entity(self, entity: str) -> tuple[int, ...]:
        encoding = self._tokenizer.encode(entity_name(entity), add_special_tokens=False)
        return tuple(encoding.ids[:MOST_ENTITY_TOKENS])
