"""Checks of command lines that are not run: programs, subcommands, options, targets and files exist."""

import functools
import importlib.metadata
import importlib.util
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any

import typer
import typer.core
import typer.main

from stream import cli
from tests.documents.examples import ROOT

OTHER_PROGRAMS = frozenset(
    [
        ".",
        "ansible-vault",
        "cd",
        "cp",
        "echo",
        "pip",
        "promtool",
        "sh",
        "zcat",
        "awk",
        "sudo",
        "$EDITOR",
        "mosquitto_pub",
        "python",
        "python3",
        "pytest",
    ]
)
"""Other programs, whose options are not checked."""
# Typer has its own copy of Click in later versions, and Click itself in earlier ones.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
_FOLDERS = tuple(f"{path.name}/" for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
_TARGET = re.compile(r"^([\w-]+(?: [\w-]+)*):", re.MULTILINE)


def problems(source: str) -> list[str]:
    """Find what does not exist in a block of shell commands."""
    return [problem for command in _commands(source) for problem in _problems_of(command)]


def _commands(source: str) -> Iterator[list[str]]:
    for line in source.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.commenters, lexer.whitespace_split = "#", True
        for is_separator, words in groupby(lexer, key=lambda word: word in {"|", "&&", "||", ";", "&"}):
            if not is_separator:
                yield _without_redirection(word for word in words if not re.fullmatch(r"[A-Z_]+=.*", word))


def _without_redirection(words: Iterable[str]) -> list[str]:
    return list(takewhile(lambda word: word not in {">", ">>", "<"}, words))


def _problems_of(command: Sequence[str]) -> Iterator[str]:
    program, *arguments = command
    name = Path(program).name or program
    if name == "starling":
        yield from _problems_of_starling(arguments)
    elif name == "make":
        yield from _unknown_targets(arguments)
    elif name == "ansible-playbook":
        playbooks = [word for word in arguments if word.endswith(".yml")]
        yield from (f"no playbook {book}" for book in playbooks if not (ROOT / "deploy/ansible" / book).is_file())
    elif name in {"python", "python3"} and arguments[0] == "-m":
        if importlib.util.find_spec(arguments[1]) is None:
            yield f"no module {arguments[1]}"
    elif name not in OTHER_PROGRAMS:
        yield f"unknown program {program}"
    yield from (f"no file {word}" for word in arguments if word.startswith(_FOLDERS) and not any(ROOT.glob(word)))


def _unknown_targets(arguments: Sequence[str]) -> Iterator[str]:
    makefiles = "\n".join((ROOT / name).read_text("utf-8") for name in ("Makefile", "paper.mk", "firmware/Makefile"))
    targets = {name for names in _TARGET.findall(makefiles) for name in names.split()}
    yield from (f"no target {word}" for word in arguments if "=" not in word and word not in targets)


def _problems_of_starling(arguments: Sequence[str]) -> Iterator[str]:
    try:
        _parse(_group_with(arguments[0]), ["starling", *arguments])
    except UsageError as error:
        if "does not exist" not in str(error):
            yield f"starling {' '.join(arguments)}: {error}"


def _group_with(command: str) -> Any:
    """Find the group that has a command: the program's own, or one that an entry point adds."""
    with_command = (group for group in _groups() if command in getattr(group, "commands", ()))
    return next(with_command, _groups()[0])


@functools.cache
def _groups() -> list[Any]:
    plugins = importlib.metadata.entry_points(group="starling.commands")
    return [typer.main.get_command(app) for app in (cli.app, *(plugin.load() for plugin in plugins))]


def _parse(command: Any, words: Sequence[str], parent: typer.Context | None = None) -> None:
    """Parse a command line as the program does, without running it."""
    name, *arguments = words
    if not isinstance(command, typer.core.TyperGroup):
        command.make_context(name, arguments, parent=parent)
        return
    context = typer.Context(command, info_name=name, parent=parent)
    found, subcommand, rest = command.resolve_command(context, arguments)
    _parse(subcommand, [str(found), *rest], context)
