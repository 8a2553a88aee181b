"""The peers of a comparison: a TOML file of programs that are controlled as stream/processes/child.py describes.

    [[peer]]
    name = "onnx-runtime"
    words = "ONNX Runtime, int8, batches of 8"
    kind = "classifier"       # texts in, labels out, over stdin and stdout
    command = [".venv-peers/bin/python", "-m", "tests.peers.onnx_runtime", "--batch", "8"]
    same_weights = true       # its labels are compared with ours

A peer with `kind = "service"` is started with `--host`, `--port`, `--tweets-topic` and `--labels-topic` and receives
its tweets from the broker. One with `kind = "bundle"` is a model bundle at `path`, run by our own classifier.
"""

import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stream.bench.broker import BenchBroker
from stream.bench.rig import Serve
from stream.errors import InputError
from stream.processes.child import Child


class _Peer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    words: str
    same_weights: bool = False


class ProgramPeer(_Peer):
    """A program with its own libraries."""

    kind: Literal["classifier", "service"]
    command: list[str] = Field(min_length=1)


class BundlePeer(_Peer):
    """Another model, run by our own classifier."""

    kind: Literal["bundle"]
    path: Path


Peer = Annotated[ProgramPeer | BundlePeer, Field(discriminator="kind")]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    peer: list[Peer]


def read_peers(file: Path) -> Sequence[ProgramPeer | BundlePeer]:
    """Read the list of peers.

    Raises:
        InputError: The file cannot be read or is invalid.
    """
    try:
        return _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).peer
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{file}: {where}: {first['msg']}") from error


class PeerService(Child):
    """A peer that receives tweets from a broker."""

    ready_seconds = 0.0

    def __enter__(self) -> Self:
        """Start the peer and measure the time until it is ready.

        Raises:
            BenchError: It cannot be started.
        """
        started = time.monotonic()
        super().__enter__()
        self.ready_seconds = time.monotonic() - started
        return self


def peer_service(peer: ProgramPeer) -> Serve:
    """Return a function that starts a peer which receives tweets from a broker."""

    def serve(broker: BenchBroker, run: str, _: Path) -> PeerService:
        at = ("--host", broker.host, "--port", str(broker.port))
        topics = ("--tweets-topic", f"{run}/in", "--labels-topic", f"{run}/polarity")
        return PeerService(peer.name, [*peer.command, *at, *topics])

    return serve
