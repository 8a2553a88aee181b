"""The commands of docs/feed.md, against local servers of the sources and a real broker."""

import asyncio
import shlex
from pathlib import Path

import orjson
import pytest

from tests.documents.examples import examples
from tests.feed.jetstream import Jetstream
from tests.feed.mastodon import TOKEN as MASTODON_TOKEN
from tests.feed.mastodon import Mastodon
from tests.feed.posts import jetstream_commit, mastodon_status, x_post
from tests.feed.x import TOKEN as X_TOKEN
from tests.feed.x import X
from tests.integration.program import STARLING

pytestmark = pytest.mark.broker

COMMANDS = [
    line.strip()
    for example in examples("sh")
    if example.document == "docs/feed.md"
    for line in example.source.splitlines()
    if line.startswith("starling feed ")
]
POST = {"text": "oat milk and #coffee at last", "langs": ["en"]}


def test_every_source_is_in_the_document() -> None:
    found = {shlex.split(command)[2] for command in COMMANDS}
    assert found == {"bluesky", "mastodon", "x", "file", "stdin", "rules"}


async def _post_for_ever(jetstream: Jetstream, mastodon: Mastodon, x: X) -> None:
    number = 0
    while True:
        jetstream.add(jetstream_commit(number, record=POST))
        mastodon.send("update", mastodon_status(number))
        x.send(x_post(number))
        number += 1
        await asyncio.sleep(0.01)


def _token(folder: Path, name: str, token: str) -> str:
    file = folder / name
    file.write_text(token)
    file.chmod(0o600)
    return str(file)


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_of_the_document_works(command: str, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("id,text,lang\n1,oat milk,en\n2,Hafermilch,de\n")
    (tmp_path / "posts.jsonl").write_bytes(orjson.dumps({"id": "1", "text": "oat milk"}) + b"\n")
    jetstream, mastodon, x = Jetstream(), Mastodon(), X()
    x.rules["1100"] = {"id": "1100", "value": "oat"}
    async with jetstream.running() as jetstream_at, mastodon.running() as mastodon_at, x.running() as x_at:
        environment |= {
            "STARLING_BLUESKY__INSTANCES": orjson.dumps([jetstream_at]).decode(),
            "STARLING_MASTODON__SERVER": mastodon_at,
            "STARLING_MASTODON__TOKEN_FILE": _token(tmp_path, "mastodon-token", MASTODON_TOKEN),
            "STARLING_X__SERVER": x_at,
            "STARLING_X__TOKEN_FILE": _token(tmp_path, "x-token", X_TOKEN),
        }
        endless = shlex.split(command)[2] in {"bluesky", "mastodon", "x"} and "--most" not in command
        shell = f"{' '.join(STARLING)} {command.removeprefix('starling ')} {'--most 5' if endless else ''}"
        posting = asyncio.create_task(_post_for_ever(jetstream, mastodon, x), name="posts")
        try:
            process = await asyncio.create_subprocess_shell(
                shell, cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
            out, _ = await process.communicate()
        finally:
            posting.cancel()
    assert process.returncode == 0, out.decode()
