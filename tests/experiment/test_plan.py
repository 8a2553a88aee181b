import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from stream.errors import InputError
from stream.experiment.plan import Plan, load_plan

DOCS = Path(__file__).parents[2] / "docs"
MODEL = {"name": "tiny", "path": "bundles/{precision}-{seed}", "precisions": ["float32", "int8"]}


def plan(**changes: Any) -> Plan:
    return Plan.model_validate({"models": [MODEL], "data": {"test": "test.jsonl"}} | changes)


def test_cells_without_shuffle_are_all_combinations_seed_by_seed() -> None:
    names = [cell.name for cell in plan(seeds=[0, 1], threads=[1, 2], shuffle=False).cells()]
    assert names == [
        "tiny-float32-test-1threads-seed0",
        "tiny-int8-test-1threads-seed0",
        "tiny-float32-test-2threads-seed0",
        "tiny-int8-test-2threads-seed0",
        "tiny-float32-test-1threads-seed1",
        "tiny-int8-test-1threads-seed1",
        "tiny-float32-test-2threads-seed1",
        "tiny-int8-test-2threads-seed1",
    ]


def test_a_shuffled_plan_has_the_same_cells_and_keeps_each_seed_together() -> None:
    seeds = list(range(20))
    shuffled = list(plan(seeds=seeds).cells())
    assert {cell.name for cell in shuffled} == {cell.name for cell in plan(seeds=seeds, shuffle=False).cells()}
    assert [cell.seed for cell in shuffled] == [seed for seed in seeds for _ in ("float32", "int8")]


def test_no_precision_always_comes_last_in_its_seed() -> None:
    cells = list(plan(seeds=list(range(20))).cells())
    assert {cell.precision for cell in cells[1::2]} == {"float32", "int8"}


def test_the_shuffle_seed_sets_the_order_of_runs() -> None:
    seeds = list(range(20))
    first, again, other = (list(plan(seeds=seeds, shuffle_seed=seed).cells()) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_path_names_precision_and_seed() -> None:
    assert [cell.path for cell in plan(seeds=[3], shuffle=False).cells()] == ["bundles/float32-3", "bundles/int8-3"]


def test_a_model_without_precisions_runs_as_it_is() -> None:
    (cell,) = plan(models=[{"name": "tiny", "path": "bundle"}]).cells()
    assert (cell.name, cell.path, cell.precision) == ("tiny-test-1threads-seed0", "bundle", None)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("seeds = [0, 0]", "the plan asks for the same run twice: tiny-test-1threads-seed0"),
        ("seed = [0]", "unknown key 'seed'"),
        ("threads = [0]", "threads.0: Input should be greater than or equal to 1"),
        ("start_at = 2026-05-01T12:00:00", "start_at: a start for several devices needs its time zone"),
        ("samples_per_second = 1000", "samples_per_second: Input should be less than or equal to 100"),
        ("tweets = ", "is not TOML"),
    ],
)
def test_a_wrong_plan_is_refused_with_the_wrong_key(tmp_path: Path, written: str, says: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(f'{written}\n[data]\ntest = "t.jsonl"\n[[models]]\nname = "tiny"\npath = "bundle"\n')
    with pytest.raises(InputError, match=says):
        load_plan(file)


def test_several_precisions_with_one_path_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(
        '[data]\ntest = "t"\n[[models]]\nname = "tiny"\npath = "bundle"\nprecisions = ["float32", "int8"]\n'
    )
    with pytest.raises(InputError, match=r"its path must say where: add \{precision\}"):
        load_plan(file)


@pytest.mark.parametrize("missing", ["bundle", "test.jsonl"])
def test_a_plan_with_a_missing_model_or_data_file_is_refused(tmp_path: Path, missing: str) -> None:
    for name in {"bundle", "test.jsonl"} - {missing}:
        (tmp_path / name).touch()
    file = tmp_path / "plan.toml"
    file.write_text('[data]\ntest = "test.jsonl"\n[[models]]\nname = "tiny"\npath = "bundle"\n')
    with pytest.raises(InputError, match=f"names {tmp_path / missing}, which does not exist"):
        load_plan(file)


def test_the_plans_in_the_documentation_are_valid() -> None:
    (in_the_text,) = re.findall(r"```toml\n(.*?)```", (DOCS / "paper.md").read_text(encoding="utf-8"), re.DOTALL)
    for written in (in_the_text, *(file.read_text(encoding="utf-8") for file in (DOCS / "paper").glob("*.toml"))):
        assert list(Plan.model_validate(tomllib.loads(written)).cells())


def test_a_missing_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the plan .*No such file"):
        load_plan(tmp_path / "plan.toml")
