"""A real Prometheus with a short scrape interval."""

import asyncio
import contextlib
import json
import re
import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from stream.free_port import free_port
from tests.grafana.queries import RULES

PROGRAM = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")
_GROUP_INTERVAL = re.compile(r"^ +interval: .*\n", re.MULTILINE)
_INTERVAL = "500ms"


class Prometheus:
    """A client of a Prometheus server.

    Args:
        client: HTTP client with the server's address.
    """

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self._client = client

    async def get(self, path: str, **parameters: str) -> Any:
        """Query its API.

        Raises:
            ValueError: The server reports an error.
        """
        async with self._client.get(f"/api/v1/{path}", params=parameters) as answer:
            body = await answer.json()
        if body["status"] != "success":
            raise ValueError(f"{body['error']} in {parameters}")
        return body["data"]

    async def values(self, expression: str) -> list[float]:
        """Evaluate an expression now; returns its values without NaN."""
        result = (await self.get("query", query=expression))["result"]
        numbers = [float(series["value"][1]) for series in result]
        return [number for number in numbers if number == number]  # noqa: PLR0124  (NaN)

    async def range(self, expression: str, seconds: float, step_seconds: float) -> list[dict[str, Any]]:
        """Evaluate an expression over the last seconds; returns its series."""
        end = time.time()
        limits = {"start": str(end - seconds), "end": str(end), "step": str(step_seconds)}
        result: list[dict[str, Any]] = (await self.get("query_range", query=expression, **limits))["result"]
        return result

    async def ready(self, process: asyncio.subprocess.Process) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: The process has ended.
        """
        while process.returncode is None:
            try:
                async with self._client.get("/-/ready") as answer:
                    if answer.ok:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.02)
        raise RuntimeError(f"prometheus ended with exit code {process.returncode}; see prometheus.log")


@contextlib.asynccontextmanager
async def prometheus(
    folder: Path,
    nodes: Mapping[str, str],
    history: str = "",
    *,
    feeder: str | None = None,
    rules: Sequence[Path] = RULES,
) -> AsyncIterator[Prometheus]:
    """Run a Prometheus server with rules, all of which it evaluates at the short interval.

    Args:
        folder: Folder of its files.
        nodes: Host and port of each node, by the node's name.
        history: Samples of the past in the OpenMetrics format.
        feeder: Host and port of a feeder.
        rules: Files of rules; the project's by default.
    """
    assert PROGRAM
    if history:
        await _write_history(folder, history)
    targets = [{"targets": [address], "labels": {"instance": name}} for name, address in nodes.items()]
    configuration = {
        "global": {"scrape_interval": _INTERVAL, "scrape_timeout": _INTERVAL, "evaluation_interval": _INTERVAL},
        "rule_files": [str(_with_short_interval(file, folder)) for file in rules],
        "scrape_configs": [
            {"job_name": "starling", "static_configs": targets},
            {"job_name": "starling-feed", "static_configs": [{"targets": [feeder]}] if feeder else []},
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(configuration))  # JSON is valid YAML
    address = f"127.0.0.1:{free_port()}"
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            PROGRAM, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}", stdout=log, stderr=log,
        )  # fmt: skip
    try:
        async with aiohttp.ClientSession(f"http://{address}") as client:
            server = Prometheus(client)
            await server.ready(process)
            yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _with_short_interval(rules: Path, folder: Path) -> Path:
    """Copy a file of rules without the intervals of its groups, so that a test need not wait for minutes."""
    copy = folder / rules.name
    copy.write_text(_GROUP_INTERVAL.sub("", rules.read_text(encoding="utf-8")))
    return copy


async def _write_history(folder: Path, history: str) -> None:
    file = folder / "history.txt"
    file.write_text(f"{history}# EOF\n")
    assert PROMTOOL
    process = await asyncio.create_subprocess_exec(
        PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", file, folder / "data",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"promtool cannot write the history: {said.decode()}")
