"""Token ids of a tweet and its entity as one input of two segments, as the service makes them.

`[CLS] tweet [SEP] entity [SEP]`; stream/model/tokenizer.py and stream/model/segments.py describe it.
"""

from collections.abc import Sequence

from tokenizers import Tokenizer as WordPieces

from stream.model.bundle import MOST_ENTITY_TOKENS
from stream.tweets.cleaning import entity_name


def with_entities(
    token_ids: Sequence[Sequence[int]], entities: Sequence[str | None], word_pieces: WordPieces, max_tokens: int
) -> list[list[int]]:
    """Append the entities to tweets.

    Args:
        token_ids: Token ids of each tweet, from [CLS] to [SEP].
        entities: Name of each tweet's entity; None: the tweet stays as it is.
        word_pieces: Tokeniser.
        max_tokens: Longest input in tokens; longer tweets are truncated so that the entity fits.
    """
    names = dict.fromkeys(entity for entity in entities if entity is not None)
    encodings = word_pieces.encode_batch_fast([entity_name(name) for name in names], add_special_tokens=False)
    pieces = {name: encoding.ids[:MOST_ENTITY_TOKENS] for name, encoding in zip(names, encodings, strict=True)}
    return [
        _pair(list(ids), pieces[entity], max_tokens) if entity is not None else list(ids)
        for ids, entity in zip(token_ids, entities, strict=True)
    ]


def _pair(ids: list[int], entity: Sequence[int], max_tokens: int) -> list[int]:
    if not entity:  # nothing is left of the name after cleaning
        return ids
    separator, room = ids[-1], max_tokens - len(entity) - 1
    text = [*ids[: room - 1], separator] if len(ids) > room else ids
    return [*text, *entity, separator]
