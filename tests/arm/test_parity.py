"""The same labels on a Raspberry Pi as on this machine."""

import json
import subprocess
import sys
from importlib.resources import files
from typing import Any

import pytest

from stream.model.bundle import SHIPPED
from stream.tweets.polarity import POLARITIES
from tests.arm.boards import PI_3, PI_4, PI_5, Board
from tests.arm.emulation import Installation
from tests.arm.instructions import shipped_bundles

TWEETS = 60
TOLERANCE = 0.02
"""Largest difference of a probability; kernels of two processors round differently."""
OTHER_TOLERANCES = {"reputation": 0.03, "multilingual": 0.05}
"""The same for bundles that pass more of the rounding on: on a single x86-64 processor their probabilities with and
without XNNPACK differ by up to 0.016 and 0.038, those of `default` by up to 0.004."""
_LONG = pytest.mark.long
# The short form compares the other bundles where it counts their instructions: test_instructions.py.
_BUNDLES = [pytest.param(name, marks=[] if name == "fast" else _LONG) for name in shipped_bundles()]
_BOARDS = [pytest.param(PI_4), pytest.param(PI_3, marks=_LONG), pytest.param(PI_5, marks=_LONG)]
_CREATE = """
import sys
from ai_edge_litert.interpreter import Interpreter
Interpreter(sys.argv[1]).allocate_tensors()
"""


@pytest.fixture(scope="module")
def tweets() -> bytes:
    """Return sample tweets as JSON lines, some of which are to be rejected."""
    lines = (files("stream") / "samples" / "tweets.jsonl").read_bytes().splitlines(keepends=True)
    return b"".join(lines[:TWEETS])


@pytest.mark.parametrize("bundle", _BUNDLES)
@pytest.mark.parametrize("board", _BOARDS, ids=lambda board: board.cpu)
def test_a_bundle_labels_sample_tweets_as_on_this_machine(
    board: Board, bundle: str, tweets: bytes, installation: Installation
) -> None:
    ours, theirs = _labelled_here_and_there(board, bundle, tweets, installation)

    assert _polarities(theirs) == _polarities(ours)
    assert max(_differences(ours, theirs)) < OTHER_TOLERANCES.get(bundle, TOLERANCE)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_multilingual_bundle_labels_sample_tweets_as_on_this_machine(
    tweets: bytes, installation: Installation
) -> None:
    # It is not in the wheel; the emulated board sees the checkout's folder.
    ours, theirs = _labelled_here_and_there(PI_4, str(SHIPPED / "multilingual"), tweets, installation)

    assert _polarities(theirs) == _polarities(ours)
    assert max(_differences(ours, theirs)) < OTHER_TOLERANCES["multilingual"]


@pytest.mark.parametrize("board", _BOARDS, ids=lambda board: board.cpu)
def test_the_fast_kernels_are_in_use(board: Board, installation: Installation) -> None:
    model = installation.site[0] / "stream" / "models" / "fast" / "model.tflite"

    created = installation.run(board, "-c", _CREATE, str(model))

    assert created.returncode == 0, created.stderr.decode()
    assert "XNNPACK delegate" in created.stderr.decode()


def _labelled_here_and_there(
    board: Board, bundle: str, tweets: bytes, installation: Installation
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the answers of this machine and of the board, one for each tweet."""
    arguments = ["-m", "stream", "classify", "--model", bundle]
    here = subprocess.run([sys.executable, *arguments], input=tweets, capture_output=True, check=True)
    there = installation.run(board, *arguments, stdin=tweets)
    assert there.returncode == 0, there.stderr.decode()
    ours, theirs = _answers(here.stdout), _answers(there.stdout)
    assert len(theirs) == TWEETS
    return ours, theirs


def _polarities(answers: list[dict[str, Any]]) -> list[str | None]:
    return [answer.get("polarity") for answer in answers]


def _answers(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def _differences(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[float]:
    labels = [pair for pair in zip(ours, theirs, strict=True) if "probabilities" in pair[0]]
    return [
        abs(one["probabilities"][name] - other["probabilities"][name]) for one, other in labels for name in POLARITIES
    ]
