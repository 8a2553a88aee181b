"""`starling feed rules`: the rules of X's filtered stream."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import typer
from rich.console import Console
from rich.table import Table

from stream.feed.http import open_session
from stream.feed.x_rules import Rule, Rules
from stream.settings import load_settings

Result = TypeVar("Result")


def show_rules(config: Path | None) -> None:
    """Show all rules.

    Raises:
        StarlingError: X does not answer, or refuses.
    """
    found = _with_rules(config, lambda rules: rules.listed())
    if not found:
        typer.echo("there are no rules: the stream sends nothing until you add one", err=True)
        return
    console = Console()
    if not console.is_terminal:
        for rule in found:
            typer.echo(f"{rule.id}\t{rule.value}\t{rule.tag}")
        return
    table = Table("id", "condition", "tag")
    for rule in found:
        table.add_row(rule.id, rule.value, rule.tag)
    console.print(table, markup=False)


def add_rule(value: str, tag: str, config: Path | None) -> None:
    """Add a rule, and print its id.

    Raises:
        StarlingError: X does not answer, or does not accept the rule.
    """
    rule: Rule = _with_rules(config, lambda rules: rules.add(value, tag))
    typer.echo(rule.id)


def delete_rules(identifiers: Sequence[str], config: Path | None) -> None:
    """Delete rules.

    Raises:
        StarlingError: X does not answer, or does not delete them.
    """
    deleted = _with_rules(config, lambda rules: rules.delete(identifiers))
    typer.echo(f"deleted {deleted}", err=True)


def _with_rules(config: Path | None, work: Callable[[Rules], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with open_session() as session:
            return await work(Rules(load_settings(config), session))

    return asyncio.run(run())
