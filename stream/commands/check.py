"""`starling check`: check each part of a node, and say how to fix what does not work."""

import asyncio
import errno
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import orjson
import typer
from rich.console import Console
from rich.text import Text

from stream.commands.health_request import ask_health
from stream.credentials import http_tls
from stream.errors import ListenError, StarlingError
from stream.labelling.route import check_lists_languages, route_model
from stream.languages.policy import make_policy
from stream.model.loading import load_model
from stream.power.check import check_power
from stream.session.broker_check import check_broker
from stream.settings import Settings, load_settings
from stream.tweets.tweet import Tweet
from stream.web.access import password_guard


@dataclass(frozen=True)
class Finding:
    """The result for one part."""

    part: str
    works: bool
    says: str


def check_all(config: Path | None, *, as_json: bool) -> None:
    """Check every part, show the results, and exit with 1 if a part does not work.

    Args:
        config: The settings file.
        as_json: Whether to print a JSON object instead of lines.
    """
    findings = _findings(config)
    works = all(finding.works for finding in findings)
    if as_json:
        typer.echo(orjson.dumps({"works": works, "parts": [asdict(finding) for finding in findings]}))
    else:
        _show(findings)
    if not works:
        sys.exit(1)


def _findings(config: Path | None) -> list[Finding]:
    try:
        settings = load_settings(config)
    except StarlingError as error:
        return [Finding("settings", works=False, says=str(error))]
    checks: dict[str, Callable[[Settings], str]] = {
        "settings": lambda settings: f"node '{settings.node}'",
        "model": _check_model,
        "languages": _check_languages,
        "broker": _check_broker,
        "http": _check_http,
        "meter": _check_meter,
    }
    return [_finding(part, check, settings) for part, check in checks.items()]


def _finding(part: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(part, works=True, says=check(settings))
    except StarlingError as error:
        return Finding(part, works=False, says=str(error))


def _check_model(settings: Settings) -> str:
    model = load_model(settings.model)
    tweet = Tweet("check", "What a lovely morning, everything works!")
    ids = model.tokens(tweet).ids
    started = time.perf_counter()
    label = model.label(tweet, model.classifiers[0].probabilities([ids])[0])
    milliseconds = 1000 * (time.perf_counter() - started)
    identities = [bundle.identity for bundle in model.bundles]
    named = [f"{each.name} ({each.precision}, sha256 {each.sha256[:12]})" for each in identities]
    return f"{' before '.join(named)} calls a cheerful tweet {label.polarity} in {milliseconds:.1f} ms"


def _check_languages(settings: Settings) -> str:
    policy = make_policy(settings.languages)
    route = route_model(settings.model, settings.languages)
    models = [load_model(each) for each in (settings.model, route) if each is not None]
    if route is not None:
        check_lists_languages(models[1])
    return policy.describe([model.languages for model in models])


def _check_broker(settings: Settings) -> str:
    return asyncio.run(check_broker(settings))


def _check_http(settings: Settings) -> str:
    http = settings.http
    scheme = "HTTPS" if http_tls(http) else "HTTP"
    access = "with a password" if password_guard(http) else "open to all"
    try:
        with socket.create_server((http.host, http.port), family=_family(http.host)):
            return f"{http.host}:{http.port} is free for the service ({scheme}, {access})"
    except OSError as error:
        if error.errno == errno.EADDRINUSE and (uptime_seconds := _own_uptime_seconds(settings)) is not None:
            uptime = timedelta(seconds=round(uptime_seconds))
            return f"{http.host}:{http.port} is served by this node, which has run for {uptime} ({scheme}, {access})"
        raise ListenError(
            f"{http.host}:{http.port}: {error.strerror}; set http.host and http.port to a free address of this machine"
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _own_uptime_seconds(settings: Settings) -> float | None:
    """Ask the server at the HTTP address whether it is this node; None where another program answers, or none.

    Raises:
        ListenError: It is another node.
    """
    found = ask_health(settings.http)
    if found is None:
        return None
    if found.node != settings.node:
        raise ListenError(
            f"{settings.http.host}:{settings.http.port} is served by the node '{found.node}': give each node on a "
            "machine its own http.port"
        )
    return found.uptime_seconds


def _check_meter(settings: Settings) -> str:
    return asyncio.run(check_power(settings.power))


def _show(findings: list[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        mark = Text("works ", "green") if finding.works else Text("BROKEN", "bold red")
        console.print(mark.append(f"  {finding.part:<9}  {finding.says}", style="default"))
