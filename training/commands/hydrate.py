"""`starling tweets hydrate`: the texts of tweets, by their ids, from the X API."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from stream.credentials import read_password
from stream.errors import InputError, SettingsError
from training.data.files import read_utf8
from training.data.replab import is_replab
from training.hydration.hydrate import hydrate
from training.hydration.journal import MISSING_SUFFIX, Journal
from training.hydration.replab import Entity, entities, write_texts
from training.hydration.x_api import XApi

TOKEN_VARIABLE = "X_BEARER_TOKEN"  # noqa: S105  (the name of one)
_MOST_DIGITS = 19
"""A tweet's id is a number of 63 bits."""


@dataclass(frozen=True)
class Access:
    """How the API is reached."""

    token_file: Path | None
    """None: the token is in the environment."""
    address: str

    def open(self) -> XApi:
        """Read the token.

        Raises:
            SettingsError: There is none.
        """
        if self.token_file:
            return XApi(read_password("--token-file", self.token_file), self.address)
        if token := os.environ.get(TOKEN_VARIABLE):
            return XApi(SecretStr(token), self.address)
        raise SettingsError(f"the X API wants a bearer token: put it into {TOKEN_VARIABLE}, or a file for --token-file")


def hydrate_ids(source: Path, out: Path, access: Access) -> None:
    """Fetch what is not in `out` yet; shows progress on stderr, and what was found on stdout.

    Args:
        source: A file with an id at the beginning of each line, or RepLab's folder, whose files of texts are written.
        out: What the texts are appended to; beside it, what was missed.
        access: How the API is reached.

    Raises:
        StarlingError: The source or `out` cannot be used, or the API refuses.
    """
    api = access.open()
    replab = list(entities(source)) if is_replab(source) else []
    ids = list(dict.fromkeys(_replab_ids(replab) if replab else read_ids(source)))
    with Journal(out) as journal:
        known = sum(journal.has(tweet_id) for tweet_id in ids)
        with _progress(len(ids), known) as shown:
            hydrate(ids, api, journal, shown)
        for entity in replab:
            write_texts(entity, journal.texts)
        _summarise(ids, journal.texts, journal.reasons, out)


def read_ids(path: Path) -> list[str]:
    """Read the id that each line begins with; what follows a tab, a comma or a space is not looked at.

    Raises:
        InputError: The file cannot be read, or a line begins with something else.
    """
    ids = []
    for number, line in enumerate(read_utf8(path).splitlines(), start=1):
        first = line.replace(",", " ").split()
        if not first:
            continue
        tweet_id = first[0].strip('"')
        if not (tweet_id.isascii() and tweet_id.isdecimal() and len(tweet_id) <= _MOST_DIGITS):
            raise InputError(f"{path}, line {number} begins with '{tweet_id[:40]}', which is no tweet's id")
        ids.append(tweet_id)
    return ids


def _replab_ids(replab: list[Entity]) -> Iterator[str]:
    for entity in replab:
        yield from entity.ids_without_text


@dataclass(frozen=True)
class _Shown:
    """A progress bar that says what it waits for."""

    bar: Progress
    task: TaskID

    def done(self, tweets: int) -> None:
        self.bar.update(self.task, advance=tweets, waiting="")

    def waiting(self, reason: str, seconds: float) -> None:
        until = (datetime.now(UTC).astimezone() + timedelta(seconds=seconds)).strftime("%H:%M:%S")
        self.bar.update(self.task, waiting=f"{reason}: waiting until {until}")
        if not self.bar.console.is_terminal:
            typer.echo(f"{reason}: waiting until {until}", err=True)


@contextmanager
def _progress(ids: int, known: int) -> Iterator[_Shown]:
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[waiting]}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield _Shown(bar, bar.add_task("", total=ids, completed=known, waiting=""))


def _summarise(ids: list[str], texts: Mapping[str, str], reasons: Mapping[str, str], out: Path) -> None:
    found = sum(tweet_id in texts for tweet_id in ids)
    typer.echo(f"{found:,} of {len(ids):,} tweets are in {out}")
    for reason, count in Counter(reasons[tweet_id] for tweet_id in ids if tweet_id in reasons).most_common():
        typer.echo(f"{count:,} {reason}, listed in {out}{MISSING_SUFFIX}")
