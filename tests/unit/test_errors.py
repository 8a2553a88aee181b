import pytest

from stream.errors import (
    BrokerError,
    BundleError,
    InputError,
    ListenError,
    LostTweetsError,
    PublicationRefusedError,
    SettingsError,
    StarlingError,
    leaves,
    ungrouped,
)

OURS = BrokerError("lost")
OTHER_OF_OURS = BundleError("damaged")


@pytest.mark.parametrize(
    "group",
    [
        ExceptionGroup("one", [OURS]),
        ExceptionGroup("two", [OURS, OTHER_OF_OURS]),
        ExceptionGroup("nested", [ExceptionGroup("inner", [OURS]), OTHER_OF_OURS]),
    ],
    ids=lambda group: group.message,
)
def test_of_a_group_of_our_own_errors_the_first_is_raised_from_it(group: ExceptionGroup[Exception]) -> None:
    with pytest.raises(BrokerError, match="lost") as caught, ungrouped():
        raise group
    assert caught.value.__cause__ is group


@pytest.mark.parametrize(
    "group",
    [
        ExceptionGroup("another's", [ValueError("bug")]),
        ExceptionGroup("beside ours", [OURS, ValueError("bug")]),
        ExceptionGroup("hidden", [OURS, ExceptionGroup("inner", [ValueError("bug")])]),
        BaseExceptionGroup("interrupted", [OURS, KeyboardInterrupt()]),
    ],
    ids=lambda group: group.message,
)
def test_a_group_with_any_other_error_stays_whole(group: BaseExceptionGroup[BaseException]) -> None:
    with pytest.raises(BaseExceptionGroup) as caught, ungrouped():
        raise group
    assert caught.value is group


@pytest.mark.parametrize("error", [OURS, ValueError("bug"), KeyboardInterrupt()])
def test_an_error_outside_a_group_passes_unchanged(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, ungrouped():
        raise error
    assert caught.value is error


def test_without_an_error_nothing_happens() -> None:
    with ungrouped():
        pass


def test_leaves_are_the_errors_of_all_depths_in_order() -> None:
    one, two, three = ValueError("1"), ValueError("2"), ValueError("3")
    group = ExceptionGroup("", [one, ExceptionGroup("", [ExceptionGroup("", [two])]), three])
    assert list(leaves(group)) == [one, two, three]


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (StarlingError, 1),
        (SettingsError, 78),
        (BundleError, 66),
        (BrokerError, 69),
        (PublicationRefusedError, 69),
        (ListenError, 71),
        (InputError, 66),
        (LostTweetsError, 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code(kind: type[StarlingError], exit_code: int) -> None:
    assert issubclass(kind, StarlingError)
    assert kind.exit_code == exit_code
