"""Instructions per tweet beside times."""

from pathlib import Path

import pytest

from stream.errors import InputError
from stream.experiment.record import record_of
from tests.report.invented import invented_result
from training.report.instructions import read_instructions, table_of_instructions
from training.report.rows import rows_of

COUNTED = Path(__file__).parents[2] / "docs" / "arm" / "instructions.json"


def test_the_counts_in_the_documentation_are_read() -> None:
    counts = {(count.bundle, count.cpu): sum(count.by_kind.values()) for count in read_instructions(COUNTED)}
    assert counts["default", "cortex-a72"] > counts["fast", "cortex-a72"] > 1_000_000


@pytest.mark.parametrize("bundle", ["mobilebert", "mobilebert-int8"])
def test_a_count_stands_beside_the_time_of_its_model(tmp_path: Path, bundle: str) -> None:
    rows = rows_of(map(record_of, [invented_result(), invented_result(precision="float32", model="other")]))
    lines = table_of_instructions(read_instructions(written(tmp_path, bundle)), rows).body
    assert lines == ((bundle, "cortex-a72", "77.5", "24.7", "pi-a, 8 bit", "100"),)


def test_a_count_of_a_model_that_was_not_run_has_no_time(tmp_path: Path) -> None:
    (line,) = table_of_instructions(read_instructions(written(tmp_path, "fast")), []).body
    assert line[-2:] == ("\N{EN DASH}", "\N{EN DASH}")


@pytest.mark.parametrize("content", ["{}", "[{}]", "[", '[{"bundle": "fast", "cpu": "cortex-a72"}]'])
def test_a_file_of_another_form_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "counts.json"
    path.write_text(content)
    with pytest.raises(InputError, match="`make arm-instructions` writes such a file"):
        read_instructions(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_instructions(tmp_path / "counts.json")


def written(folder: Path, bundle: str) -> Path:
    path = folder / "counts.json"
    kinds = '{"multiply_accumulate": 44000000, "rest": 33500000}'
    path.write_text(f'[{{"bundle": "{bundle}", "cpu": "cortex-a72", "tokens": 24.7, "by_kind": {kinds}}}]')
    return path
