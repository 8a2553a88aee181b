from pathlib import Path

import pytest

from stream.model.bundle import load_bundle
from stream.model.parallelism import Parallelism, candidates, choose_parallelism, fastest, tweets_per_second
from stream.settings import ModelSettings

ONE, TWO, FOUR = Parallelism(1, 4), Parallelism(2, 2), Parallelism(4, 1)


@pytest.mark.parametrize(
    ("cores", "tried"),
    [
        (1, [(1, 1)]),
        (2, [(1, 2), (2, 1)]),
        (3, [(1, 3), (2, 1)]),
        (4, [(1, 4), (2, 2), (4, 1)]),
        (8, [(1, 8), (2, 4), (4, 2)]),
    ],
)
def test_every_way_to_share_the_cores_is_tried_and_none_uses_more(cores: int, tried: list[tuple[int, int]]) -> None:
    assert candidates(cores) == tried


@pytest.mark.parametrize(
    ("rates", "chosen"),
    [
        ({ONE: 10, TWO: 15, FOUR: 20}, FOUR),
        ({ONE: 10, TWO: 20, FOUR: 15}, TWO),
        ({ONE: 10, TWO: 9, FOUR: 8}, ONE),
        ({ONE: 10, TWO: 10.2, FOUR: 10.1}, ONE),
    ],
)
def test_the_fastest_is_taken_unless_its_lead_is_not_worth_the_memory(
    rates: dict[Parallelism, float], chosen: Parallelism
) -> None:
    assert fastest([ONE, TWO, FOUR], rates.__getitem__) == chosen


def test_a_single_candidate_is_not_measured() -> None:
    def rate(_: Parallelism) -> float:
        raise AssertionError

    assert fastest([Parallelism(1, 1)], rate) == Parallelism(1, 1)


@pytest.mark.parametrize(
    ("settings", "parallelism"),
    [
        ({"interpreters": 3}, (3, 1)),
        ({"interpreters": 3, "threads": 2}, (3, 2)),
        ({"threads": 2}, (2, 2)),
        ({"threads": 8}, (1, 8)),
    ],
)
def test_the_settings_are_followed(settings: dict[str, int], parallelism: tuple[int, int], tiny_bundle: Path) -> None:
    assert choose_parallelism(ModelSettings(**settings), load_bundle(tiny_bundle), cores=4) == parallelism


def test_parallelism_without_settings_is_measured(tiny_bundle: Path) -> None:
    assert choose_parallelism(ModelSettings(), load_bundle(tiny_bundle), cores=2) in candidates(2)
    assert tweets_per_second(load_bundle(tiny_bundle), Parallelism(2, 1)) > 0
