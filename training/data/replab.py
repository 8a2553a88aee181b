"""Reads RepLab 2013 (Amigó et al., 2013): tweets about companies and artists, labelled by what they do to a reputation.

A folder of it, or the folder above with `training` and `test` in it, has one file for each entity in each of

    tweet_info/RL2013D01E001.dat         tweet_id, language, …
    labeled/RL2013D01E001.dat            tweet_id, polarity, …
    tweet_text/RL2013D01E001_texts.tsv   tweet_id, text: not shipped; `starling tweets hydrate` fetches them

parted by tabs, each field in double quotes, the first line a header. Columns differ from version to version, so that
they are found by name.
"""

from collections.abc import Iterator
from pathlib import Path

from stream.errors import InputError
from training.data.files import read_bytes
from training.data.tweets import Dataset, LabelledTweet, parse_polarity

INFO, LABELS, TEXTS = "tweet_info", "labeled", "tweet_text"
TEXT_SUFFIX = "_texts.tsv"
_TEXT_NAMES = ("{}" + TEXT_SUFFIX, "{}_texts.dat", "{}.tsv", "{}.dat")
_RENAMED = {"id": "tweet_id"}
"""By some who passed the files on."""
_SPLITS = ("training", "test")


def is_replab(path: Path) -> bool:
    """Whether a path is a folder of RepLab's, or that above them."""
    return any((folder / LABELS).is_dir() or (folder / INFO).is_dir() for folder in (path, *_below(path)))


def splits(path: Path) -> list[Path]:
    """The folders with tweets: the path itself, or `training` and `test` in it.

    Raises:
        InputError: There is none.
    """
    found = [folder for folder in (path, *_below(path)) if (folder / INFO).is_dir()]
    if not found:
        raise InputError(f"{path} is not RepLab's folder: it has no {INFO}, nor {' or '.join(_SPLITS)} with one in it")
    return found


def read_replab(path: Path) -> Dataset:
    """Read the labelled English tweets of every entity.

    Raises:
        InputError: A file is missing, cannot be read, or lacks a column; says which.
    """
    parts = []
    for folder in splits(path):
        files = sorted((folder / LABELS).glob("*.dat"))
        if not files:
            raise InputError(f"{folder / LABELS} has no labels (RL2013….dat)")
        parts += [_read_entity(folder, labels) for labels in files]
    return Dataset.joined(parts)


def rows(path: Path, *needed: str) -> Iterator[dict[str, str]]:
    """Read one of RepLab's files.

    Raises:
        InputError: It cannot be read, lacks a column that is needed, or a line has too few fields.
    """
    lines = _lines(_decoded(read_bytes(path)))
    header = [_RENAMED.get(name.strip().lower(), name.strip().lower()) for name in _fields(next(lines)[1])]
    if missing := [name for name in needed if name not in header]:
        raise InputError(f"{path} has no column {' and '.join(missing)}, only {', '.join(header)}")
    for number, line in lines:
        fields = _fields(line)
        if len(fields) != len(header):
            raise InputError(f"{path}, line {number} has {len(fields)} fields, its header {len(header)}")
        yield dict(zip(header, fields, strict=True))


def _read_entity(folder: Path, labels: Path) -> Dataset:
    entity = labels.stem
    english = {row["tweet_id"]: row["language"].upper() == "EN" for row in _info(folder, entity)}
    text_file = find_texts(folder, entity)
    texts = {row["tweet_id"]: row["text"] for row in rows(text_file, "tweet_id", "text")} if text_file else {}
    dataset = Dataset([], [labels])
    for row in rows(labels, "tweet_id", "polarity"):
        tweet_id, polarity = row["tweet_id"], row["polarity"]
        if not english.get(tweet_id, False):
            dataset.left_out["not in English"] += 1
        elif not polarity.strip():
            dataset.left_out["without a polarity"] += 1
        elif not texts.get(tweet_id, "").strip():
            dataset.ids_without_text.append(tweet_id)
        else:
            named = parse_polarity(polarity, f"{labels}, tweet {tweet_id}")
            dataset.tweets.append(LabelledTweet(tweet_id, named, texts[tweet_id], entity))
    return dataset


def _info(folder: Path, entity: str) -> Iterator[dict[str, str]]:
    return rows(folder / INFO / f"{entity}.dat", "tweet_id", "language")


def find_texts(folder: Path, entity: str) -> Path | None:
    """The file with the texts of an entity's tweets, if it is there."""
    candidates = (folder / TEXTS / name.format(entity) for name in _TEXT_NAMES)
    return next((path for path in candidates if path.is_file()), None)


def _below(path: Path) -> list[Path]:
    return [path / name for name in _SPLITS]


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("iso-8859-1")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield rows and line numbers; where fields are quoted, a row goes on until a line ends with a quote."""
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    quoted = lines[0].endswith('"')
    row = ""
    for number, line in enumerate(lines, start=1):
        row = f"{row} {line}" if row else line
        if not quoted or line.endswith('"') or number == len(lines):
            yield number, row
            row = ""


def _fields(line: str) -> list[str]:
    """Parts a line at its tabs. Not the csv module: texts hold quotes that nobody doubled."""
    return [_unquoted(field) for field in line.split("\t")]


def _unquoted(field: str) -> str:
    quoted = len(field) > 1 and field[0] == field[-1] == '"'
    return field[1:-1].replace('""', '"') if quoted else field
