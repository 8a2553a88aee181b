"""Reader for RepLab 2013 (Amigó et al., 2013): tweets labelled by their effect on the reputation of an entity.

A folder of it, or the parent folder with `training` and `test`, has one file per entity in each of

    tweet_info/RL2013D01E001.dat         tweet_id, language, timestamp, …
    labeled/RL2013D01E001.dat            tweet_id, polarity, …
    tweet_text/RL2013D01E001_texts.tsv   tweet_id, text: not distributed; `starling tweets hydrate` fetches them

with fields in double quotes, separated by tabs, and a header. `replab2013_entities.tsv`, in the folder or in its
parent, has the names and domains of the entities; without it, entities are named by their ids.

The distributed files have faults that the reader accepts: columns that differ between versions, ISO-8859-1 beside
UTF-8, byte order marks, tabs and line breaks in quoted fields, polarities that are none. A tweet may belong to two
entities.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stream.errors import InputError
from training.data.files import read_bytes
from training.data.tweets import Dataset, LabelledTweet, known_polarity

INFO, LABELS, TEXTS = "tweet_info", "labeled", "tweet_text"
TEXT_SUFFIX = "_texts.tsv"
ENTITIES_FILE = "replab2013_entities.tsv"
_TEXT_NAMES = ("{}" + TEXT_SUFFIX, "{}_texts.dat", "{}.tsv", "{}.dat")
_RENAMED = {"id": "tweet_id"}
"""Names of columns in copies of the files."""
_SPLITS = ("training", "test")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FIELD = re.compile(r'(?:^|\t)("(?:.*?)"(?=\t|$)|[^\t]*)', re.DOTALL)
"""A quoted field ends at a quote before a tab or the end of the row, and may contain tabs."""


@dataclass(frozen=True)
class _Entity:
    name: str
    domain: str | None


def is_replab(path: Path) -> bool:
    """Return whether a path is a folder of RepLab, or the parent folder."""
    return any((folder / LABELS).is_dir() or (folder / INFO).is_dir() for folder in (path, *_subfolders(path)))


def splits(path: Path) -> list[Path]:
    """Return the folders with tweets: the path itself, or `training` and `test` in it.

    Raises:
        InputError: No such folder exists.
    """
    found = [folder for folder in (path, *_subfolders(path)) if (folder / INFO).is_dir()]
    if not found:
        raise InputError(
            f"{path} is not RepLab's folder: it contains neither {INFO} nor {' or '.join(_SPLITS)} with {INFO} in it"
        )
    return found


def read_replab(path: Path) -> Dataset:
    """Read the labelled English tweets of all entities.

    Raises:
        InputError: A file is missing, cannot be read, or lacks a column; the message says which.
    """
    parts = []
    for folder in splits(path):
        files = sorted((folder / LABELS).glob("*.dat"))
        if not files:
            raise InputError(f"{folder / LABELS} contains no labels (RL2013….dat)")
        entities = _read_entities(folder)
        parts += [_read_entity(folder, labels, entities.get(labels.stem)) for labels in files]
    return Dataset.joined(parts)


def rows(path: Path, *required: str) -> Iterator[dict[str, str]]:
    """Read one of RepLab's files.

    Args:
        path: The file.
        required: Names of columns that the file must have.

    Raises:
        InputError: The file cannot be read, lacks a column, or a line has a wrong number of fields.
    """
    parsed = _rows(_lines(read_bytes(path)))
    header = [_RENAMED.get(name.strip().lower(), name.strip().lower()) for name in next(parsed)[1]]
    if missing := [name for name in required if name not in header]:
        raise InputError(f"{path} has no column {' and '.join(missing)}, only {', '.join(header)}")
    for number, fields in parsed:
        if len(fields) != len(header):
            raise InputError(f"{path}, line {number} has {len(fields)} fields, its header {len(header)}")
        yield dict(zip(header, fields, strict=True))


def _read_entity(folder: Path, labels: Path, entity: _Entity | None) -> Dataset:
    info = {row["tweet_id"]: row for row in rows(folder / INFO / labels.name, "tweet_id", "language")}
    text_file = find_texts(folder, labels.stem)
    texts = {row["tweet_id"]: row["text"] for row in rows(text_file, "tweet_id", "text")} if text_file else {}
    dataset = Dataset([], [labels])
    for row in rows(labels, "tweet_id", "polarity"):
        tweet_id, label = row["tweet_id"], row["polarity"].strip()
        described = info.get(tweet_id, {})
        language = described.get("language", "").strip().lower()
        dataset.languages[language or "not stated"] += 1
        polarity = known_polarity(label)
        if not label:
            dataset.left_out["without a polarity"] += 1
        elif polarity is None:
            dataset.left_out[f"with the polarity '{label}'"] += 1
        elif language != "en":
            dataset.left_out["not in English"] += 1
        elif not texts.get(tweet_id, "").strip():
            dataset.ids_without_text.append(tweet_id)
        else:
            name, domain = (entity.name, entity.domain) if entity else (labels.stem, None)
            timestamp = _timestamp(described.get("timestamp", ""))
            dataset.tweets.append(LabelledTweet(tweet_id, polarity, texts[tweet_id], name, domain, timestamp))
    return dataset


def find_texts(folder: Path, entity: str) -> Path | None:
    """Return the file with the texts of an entity's tweets; None: it does not exist."""
    candidates = (folder / TEXTS / name.format(entity) for name in _TEXT_NAMES)
    return next((path for path in candidates if path.is_file()), None)


def _read_entities(folder: Path) -> Mapping[str, _Entity]:
    """Read names and domains of the entities by their ids; empty: there is no such file."""
    path = next((place / ENTITIES_FILE for place in (folder, folder.parent) if (place / ENTITIES_FILE).is_file()), None)
    if path is None:
        return {}
    entities = {
        row["entity_id"]: _Entity(_unquoted(row["query"]).strip() or row["entity_id"], row.get("category") or None)
        for row in rows(path, "entity_id", "query")
    }
    if len({entity.name for entity in entities.values()}) < len(entities):
        raise InputError(f"{path}: two entities have the same query")
    return entities


def _timestamp(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None


def _subfolders(path: Path) -> list[Path]:
    return [path / name for name in _SPLITS]


def _lines(content: bytes) -> list[str]:
    content = content.removeprefix(_BYTE_ORDER_MARK).replace(b"\r\n", b"\n").removesuffix(b"\n")
    return [_decoded(line) for line in content.split(b"\n")]


def _decoded(line: bytes) -> str:
    # Line by line, because some files have lines in both encodings.
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("iso-8859-1")


def _rows(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each row, with the number of its last line.

    The csv module is not usable: quotes inside fields are not doubled everywhere.
    """
    if not lines[0].startswith('"'):
        yield from ((number, line.split("\t")) for number, line in enumerate(lines, start=1))
        return
    row = ""
    for number, line in enumerate(lines, start=1):
        row = f"{row} {line}" if row else line
        fields = [match.group(1) for match in _FIELD.finditer(row)]
        if _is_open(fields[-1]) and number < len(lines):
            continue  # a line break inside a quoted field
        yield number, [_unquoted(field) for field in fields]
        row = ""


def _is_open(field: str) -> bool:
    return field.startswith('"') and (len(field) == 1 or not field.endswith('"'))


def _unquoted(field: str) -> str:
    quoted = len(field) > 1 and field[0] == field[-1] == '"'
    return field[1:-1].replace('""', '"') if quoted else field
