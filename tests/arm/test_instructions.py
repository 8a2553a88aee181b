"""The instructions that a tweet takes are those that the documentation states, and its probabilities those of here."""

import functools
import json
import subprocess
import sys

import numpy as np
import pytest

from tests.arm.boards import BOARDS, PI_4, Board
from tests.arm.emulation import Installation, build_plugin
from tests.arm.instructions import (
    COUNTED,
    PAGE,
    PROGRAM,
    TWEETS,
    Count,
    count_instructions,
    shipped_bundles,
    table,
)

TOLERANCE = 0.02
_BOARDS = [pytest.param(board, marks=[] if board == PI_4 else pytest.mark.long) for board in BOARDS]
_BUNDLES = [pytest.param(bundle, marks=pytest.mark.xdist_group(bundle)) for bundle in shipped_bundles()]
"""Those of a group run in the same process, so that they share what was counted."""
STATED = json.loads(COUNTED.read_text(encoding="utf-8"))


def test_the_table_shows_what_was_counted() -> None:
    assert table(STATED) in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("bundle", _BUNDLES)
@pytest.mark.parametrize("board", _BOARDS, ids=lambda board: board.cpu)
def test_a_tweet_takes_the_instructions_that_are_stated(board: Board, bundle: str, installation: Installation) -> None:
    (stated,) = (row for row in STATED if (row["bundle"], row["cpu"]) == (bundle, board.cpu))

    counted = _counted(installation, board, bundle)

    assert counted.total == pytest.approx(sum(stated["by_kind"].values()), rel=TOLERANCE)


@pytest.mark.parametrize("bundle", _BUNDLES)
@pytest.mark.parametrize("board", _BOARDS, ids=lambda board: board.cpu)
def test_a_bundle_gives_the_probabilities_of_this_machine(
    board: Board, bundle: str, installation: Installation
) -> None:
    here = subprocess.run([sys.executable, PROGRAM, bundle, str(TWEETS)], capture_output=True, check=True)
    ours = json.loads(here.stdout)["probabilities"]

    theirs = _counted(installation, board, bundle).probabilities

    assert len(theirs) == TWEETS
    assert np.argmax(theirs, axis=1).tolist() == np.argmax(ours, axis=1).tolist()
    differences = np.abs(np.array(ours) - np.array(theirs))
    assert differences.max() < TOLERANCE


@functools.cache
def _counted(installation: Installation, board: Board, bundle: str) -> Count:
    return count_instructions(installation, board, bundle, build_plugin())
