"""The options of the decision for a polarity, as settings."""

from typing import Any

import typer
from pydantic import ValidationError

from stream.settings import DecisionSettings


def decision_settings(prior: str | None, threshold: float | None, below_threshold: str | None) -> DecisionSettings:
    """Return the settings that the options state.

    Args:
        prior: Three shares with commas between them.
        threshold: The threshold.
        below_threshold: The result below the threshold; None: the default.

    Raises:
        typer.BadParameter: A value is wrong.
    """
    given: dict[str, Any] = {"threshold": threshold}
    if prior is not None:
        given["prior"] = prior_of(prior)
    if below_threshold is not None:
        given["below_threshold"] = below_threshold
    try:
        return DecisionSettings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = "".join(f"--{str(part).replace('_', '-')}: " for part in first["loc"][:1])
        raise typer.BadParameter(option + first["msg"].removeprefix("Value error, ")) from error


def prior_of(option: str) -> tuple[float, ...]:
    """Return the numbers of a class prior in an option.

    Raises:
        typer.BadParameter: They are not numbers with commas between them.
    """
    try:
        return tuple(float(share) for share in option.split(","))
    except ValueError as error:
        raise typer.BadParameter(
            f"--prior {option}: write the shares of negative, neutral and positive tweets, for example 0.2,0.5,0.3"
        ) from error
