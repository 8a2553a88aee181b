"""The hint that another service has the same name."""

from stream.errors import BrokerError
from stream.session.losses import Losses

HINT = "; is another service running as 'pi-kitchen'?"
TAKEN_OVER = BrokerError("the session was taken over", reason_code=0x8E)
CLOSED = BrokerError("the broker closed the connection")


def hints(*losses: tuple[BrokerError, float]) -> list[str]:
    node = Losses("pi-kitchen")
    return [node.hint(error, lasted_seconds) for error, lasted_seconds in losses]


def test_two_session_takeovers_hint_at_another_service() -> None:
    assert hints((TAKEN_OVER, 100), (TAKEN_OVER, 100)) == ["", HINT]


def test_four_quick_losses_without_a_reason_hint_at_another_service() -> None:
    assert hints(*[(CLOSED, 1)] * 4) == ["", "", "", HINT]


def test_a_session_that_lasted_ends_the_count_of_quick_losses() -> None:
    assert hints((CLOSED, 1), (CLOSED, 1), (CLOSED, 11), (CLOSED, 1), (CLOSED, 1), (CLOSED, 1)) == [""] * 6


def test_losses_for_another_reason_give_no_hint() -> None:
    assert hints(*[(BrokerError("quota exceeded", reason_code=0x97), 1)] * 9) == [""] * 9


def test_a_session_of_ten_seconds_is_no_quick_loss() -> None:
    assert hints(*[(CLOSED, 10)] * 9) == [""] * 9
    assert hints(*[(CLOSED, 9.9)] * 4)[-1] == HINT


def test_a_loss_with_a_reason_ends_the_count_of_quick_losses() -> None:
    quota = BrokerError("quota exceeded", reason_code=0x97)
    assert hints(*[(CLOSED, 1)] * 3, (quota, 1), *[(CLOSED, 1)] * 3) == [""] * 7


def test_session_takeovers_need_not_follow_each_other() -> None:
    assert hints((TAKEN_OVER, 100), (CLOSED, 100), (TAKEN_OVER, 100), (CLOSED, 100)) == ["", "", HINT, HINT]
