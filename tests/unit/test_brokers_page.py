"""docs/reliability.md: its broker matrix is that of docs/reliability/brokers.json, and the check names each loss."""

import pytest

from tests.brokers.page import COUNTED, Row, matrix, matrix_on_the_page, read_rows
from tests.brokers.programs import BROKERS
from tests.brokers.trial import TWEETS

_KILLS = 2
_WINDOW = 64


def rows() -> list[Row]:
    if not COUNTED.exists():
        pytest.skip("this copy has no docs/reliability/brokers.json")
    return read_rows()


def test_the_page_shows_what_was_counted() -> None:
    assert matrix_on_the_page() == matrix(rows())


def test_every_broker_has_a_row_in_the_order_of_the_trials() -> None:
    assert list(dict.fromkeys(row.broker for row in rows())) == [broker.name for broker in BROKERS]


def test_every_trial_was_complete_with_all_tweets() -> None:
    deliveries = [row.delivery for row in rows() if row.delivery]
    assert deliveries
    assert all(delivery.complete and delivery.tweets == TWEETS for delivery in deliveries)


def test_a_broker_with_which_tweets_are_lost_is_named_by_the_check() -> None:
    tried = {(row.broker, row.protocol): (row.delivery, row.check) for row in rows() if row.delivery and row.check}
    losing = {name for name, (delivery, _) in tried.items() if delivery.lost}
    assert losing <= {name for name, (_, check) in tried.items() if not check.works}


def test_no_more_than_two_windows_are_labelled_again() -> None:
    assert all(row.delivery.repeated <= _KILLS * _WINDOW for row in rows() if row.delivery)


def test_a_group_that_does_not_work_is_named_by_the_check() -> None:
    sharing = [row.sharing for row in rows() if row.sharing]
    assert [group.works for group in sharing] == [group.check.works for group in sharing]
