"""`starling tweets hydrate`: fetches texts of tweets by id from the X API."""

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

TOKEN_VARIABLE = "X_BEARER_TOKEN"  # noqa: S105  (name of the variable, not a token)
_MOST_DIGITS = 100
"""Maximum number of digits that are read as an id; one above 63 bits is listed as missing."""


@dataclass(frozen=True)
class Access:
    """Address of the API and source of the bearer token."""

    token_file: Path | None
    """File with the token; None: the token is in the environment."""
    address: str

    def open(self) -> XApi:
        """Read the token and return a client of the API.

        Raises:
            SettingsError: No token was given.
        """
        if self.token_file:
            return XApi(read_password("--token-file", self.token_file), self.address)
        if token := os.environ.get(TOKEN_VARIABLE):
            return XApi(SecretStr(token), self.address)
        raise SettingsError(
            f"the X API needs a bearer token: set {TOKEN_VARIABLE}, or give a file with it by --token-file"
        )


def hydrate_ids(source: Path, out: Path, access: Access) -> None:
    """Fetch the texts that are not in `out` yet; show progress on stderr, and a summary on stdout.

    Args:
        source: File with an id at the beginning of each line, or RepLab's folder, into which text files are written.
        out: File to which texts are appended; a second file beside it lists missing tweets.
        access: Address of the API and source of the token.

    Raises:
        StarlingError: The source or `out` cannot be used, or the API refuses requests.
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
    """Read the id at the beginning of each line, up to a tab, a comma or a space.

    Raises:
        InputError: The file cannot be read, or a line does not begin with an id.
    """
    ids = []
    for number, line in enumerate(read_utf8(path).splitlines(), start=1):
        first = line.replace(",", " ").split()
        if not first:
            continue
        tweet_id = first[0].strip('"')
        if not (tweet_id.isascii() and tweet_id.isdecimal() and len(tweet_id) <= _MOST_DIGITS):
            raise InputError(f"{path}, line {number} begins with '{tweet_id[:40]}', which is not the id of a tweet")
        ids.append(tweet_id)
    return ids


def _replab_ids(replab: list[Entity]) -> Iterator[str]:
    for entity in replab:
        yield from entity.ids_without_text


@dataclass(frozen=True)
class _Shown:
    """Progress bar that shows the reason of a wait."""

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
