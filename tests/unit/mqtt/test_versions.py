"""The versions of MQTT to try, after what earlier connections have shown."""

import logging

import pytest

from stream.errors import BrokerError
from stream.mqtt.versions import Versions
from stream.settings import BrokerSettings

UNSUPPORTED = BrokerError("refused", reason_code=0x84)
FAILED = BrokerError("failed")
NEWER_FIRST, OLDER_FIRST = (True, False), (False, True)


@pytest.fixture
def versions() -> Versions:
    return Versions(BrokerSettings(host="there"))


@pytest.mark.parametrize(("protocol", "tried"), [("auto", NEWER_FIRST), ("5", (True,)), ("3.1.1", (False,))])
def test_the_newer_version_is_tried_first_unless_the_settings_name_one(protocol: str, tried: tuple[bool, ...]) -> None:
    assert Versions(BrokerSettings(host="there", protocol=protocol)).to_try() == tried


def test_a_broker_that_refuses_a_version_is_tried_with_the_other_one_first(versions: Versions) -> None:
    assert versions.other_may_help(UNSUPPORTED, hung_up=False, silent=False)
    assert versions.to_try() == OLDER_FIRST
    versions.accepted(version_5=False)
    assert versions.other_may_help(UNSUPPORTED, hung_up=False, silent=False)
    assert versions.to_try() == NEWER_FIRST


def test_a_broker_that_hangs_up_is_tried_with_the_older_version_each_time(
    versions: Versions, caplog: pytest.LogCaptureFixture
) -> None:
    assert versions.other_may_help(FAILED, hung_up=True, silent=False)
    versions.accepted(version_5=False)
    assert versions.to_try() == NEWER_FIRST
    assert caplog.messages == []


def test_a_broker_that_is_silent_to_the_newer_version_is_tried_with_the_older_one_first_if_it_accepts_that(
    versions: Versions, caplog: pytest.LogCaptureFixture
) -> None:
    assert versions.other_may_help(FAILED, hung_up=False, silent=True)
    assert versions.to_try() == NEWER_FIRST
    for _ in range(2):
        versions.accepted(version_5=False)
    assert versions.to_try() == OLDER_FIRST
    assert caplog.record_tuples == [
        (
            "stream.mqtt.versions",
            logging.WARNING,
            (
                "the broker does not answer MQTT 5, so MQTT 3.1.1 is used; set broker.protocol to '3.1.1' to save the "
                "wait, or to '5' if the broker speaks it"
            ),
        )
    ]


def test_a_broker_that_was_silent_and_accepts_the_newer_version_later_stays_with_it(
    versions: Versions, caplog: pytest.LogCaptureFixture
) -> None:
    versions.other_may_help(FAILED, hung_up=False, silent=True)
    versions.accepted(version_5=True)
    assert versions.to_try() == NEWER_FIRST
    assert caplog.messages == []


@pytest.mark.parametrize(("hung_up", "silent"), [(True, False), (False, True), (False, False)])
def test_once_the_newer_version_has_worked_only_a_refusal_of_it_leads_to_the_older_one(
    versions: Versions,
    hung_up: bool,  # noqa: FBT001
    silent: bool,  # noqa: FBT001
) -> None:
    versions.accepted(version_5=True)
    assert not versions.other_may_help(FAILED, hung_up=hung_up, silent=silent)
    versions.accepted(version_5=False)
    assert not versions.other_may_help(FAILED, hung_up=hung_up, silent=silent)
    assert versions.other_may_help(UNSUPPORTED, hung_up=hung_up, silent=silent)


def test_after_a_refusal_of_the_newer_version_it_is_tried_where_the_broker_hangs_up_on_the_older_one(
    versions: Versions,
) -> None:
    versions.accepted(version_5=True)
    versions.other_may_help(UNSUPPORTED, hung_up=False, silent=False)
    assert not versions.other_may_help(FAILED, hung_up=False, silent=True)
    assert versions.other_may_help(FAILED, hung_up=True, silent=False)


@pytest.mark.parametrize("version_5", [True, False])
def test_a_version_in_the_settings_that_works_is_no_reason_for_a_warning(
    version_5: bool,  # noqa: FBT001
    caplog: pytest.LogCaptureFixture,
) -> None:
    versions = Versions(BrokerSettings(host="there", protocol="5" if version_5 else "3.1.1"))
    versions.accepted(version_5=version_5)
    assert caplog.messages == []
