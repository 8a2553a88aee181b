"""The options of the model and of the decision for a polarity, as settings."""

from pathlib import Path
from typing import Any, Literal

import typer
from pydantic import ValidationError

from stream.settings import DecisionSettings, LanguageSettings, ModelSettings


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


def model_settings(path: Path | None, cascade: Path | None, threshold: str | None) -> ModelSettings:
    """Return the settings of the model that the options state.

    Args:
        path: The bundle.
        cascade: The first bundle of a cascade.
        threshold: The threshold of the cascade: a number, or three with commas between them.

    Raises:
        typer.BadParameter: A value is wrong, or one of the last two is missing.
    """
    try:
        numbers = None if threshold is None else [float(number) for number in threshold.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"--cascade-threshold {threshold}: write a number, for example 0.3") from error
    one = numbers[0] if numbers is not None and len(numbers) == 1 else numbers
    try:
        return ModelSettings.model_validate({"path": path, "cascade": cascade, "cascade_threshold": one})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = "".join(f"--{str(part).replace('_', '-')}: " for part in first["loc"][:1])
        message = first["msg"].removeprefix("Value error, ")
        if not option:
            message = message.replace("cascade_threshold", "--cascade-threshold").replace(
                "cascade and", "--cascade and"
            )
        raise typer.BadParameter(option + message) from error


def language_settings(policy: Literal["flag", "reject", "off"] | None, route_to: Path | None) -> LanguageSettings:
    """Return the settings that the options state.

    Args:
        policy: Policy for languages that the model does not label; with a route, for those that neither model labels.
        route_to: Folder of the bundle that tweets in other languages are routed to.

    Raises:
        typer.BadParameter: A tweet cannot be routed while its language is not detected.
    """
    if route_to is None:
        return LanguageSettings(policy=policy or "off")
    if policy == "off":
        raise typer.BadParameter("--languages off: --route-to needs the language of the tweets")
    return LanguageSettings(policy="route", route_to=route_to, unrouted=policy or "flag")


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
