"""The instructions that a tweet takes are those that the documentation states."""

import json

import pytest

from tests.arm.boards import BOARDS, PI_4, Board
from tests.arm.emulation import Installation, build_plugin
from tests.arm.instructions import COUNTED, PAGE, count_instructions, shipped_bundles, table

TOLERANCE = 0.02
_BOARDS = [pytest.param(board, marks=[] if board == PI_4 else pytest.mark.long) for board in BOARDS]
STATED = json.loads(COUNTED.read_text(encoding="utf-8"))


def test_the_table_shows_what_was_counted() -> None:
    assert table(STATED) in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("bundle", shipped_bundles())
@pytest.mark.parametrize("board", _BOARDS, ids=lambda board: board.cpu)
def test_a_tweet_takes_the_instructions_that_are_stated(board: Board, bundle: str, installation: Installation) -> None:
    (stated,) = (row for row in STATED if (row["bundle"], row["cpu"]) == (bundle, board.cpu))

    counted = count_instructions(installation, board, bundle, build_plugin())

    assert counted.total == pytest.approx(sum(stated["by_kind"].values()), rel=TOLERANCE)
