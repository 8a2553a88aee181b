"""Child processes that are controlled by lines of JSON, and sampling of their CPU time."""

import os
import sys
import time

import psutil
import pytest

from stream.bench.processor_time import Sample, Sampled, Sampler, cpu_seconds
from stream.errors import BenchError
from stream.processes.child import Child

ECHO = "import sys\nprint('{}', flush=True)\nfor line in sys.stdin: print(line, end='', flush=True)"


def python(program: str) -> Child:
    return Child("the peer", [sys.executable, "-c", program])


def test_a_child_answers_a_request() -> None:
    with python(ECHO) as child:
        assert child.ask({"a": 1}, 10) == {"a": 1}


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("raise SystemExit('no such model')", "the peer ended with exit code 1: no such model"),
        ("print('hello')", "the peer: the answer is not JSON: b'hello"),
        ("print('[]')", "the peer: the answer is not a JSON object"),
        ("""print('{"error": "no such model"}')""", "the peer: no such model"),
    ],
)
def test_a_child_that_does_not_become_ready_is_reported(program: str, expected: str) -> None:
    with pytest.raises(BenchError, match=expected), python(program):
        pass


def test_a_missing_program_is_reported() -> None:
    with (
        pytest.raises(BenchError, match="the peer: cannot run /no/such/program"),
        Child("the peer", ["/no/such/program"]),
    ):
        pass


def test_a_child_that_ends_instead_of_answering_is_reported() -> None:
    ending = python("print('{}', flush=True); input(); raise SystemExit(3)")
    with pytest.raises(BenchError, match="the peer ended with exit code 3"), ending as child:
        child.ask({}, 10)


def test_a_child_that_does_not_answer_times_out() -> None:
    silent = python("print('{}', flush=True); input(); input()")
    with pytest.raises(BenchError, match="no answer within 0 s"), silent as child:
        child.ask({}, 0.05)


def test_cpu_time_by_process_id_equals_the_own_clock() -> None:
    before = time.process_time()
    found = cpu_seconds(os.getpid())
    assert before <= found <= time.process_time()


def test_cpu_time_between_two_times_is_interpolated() -> None:
    sampled = Sampled([Sample(0.0, 0.0, 1), Sample(10.0, 5.0, 7), Sample(20.0, 5.0, 3)])
    assert sampled.cpu_between(2.0, 12.0) == pytest.approx(4.0)
    assert sampled.most_resident_bytes(5.0, 25.0) == 7
    assert sampled.resident_between(15.0, 25.0) == [3]


def test_a_sampler_survives_the_end_of_its_process() -> None:
    with python(ECHO) as child:
        sampler = Sampler({"peer": child.pid})
        with sampler:
            pass
    assert len(sampler.samples["peer"].samples) >= 2


def test_a_sample_that_fails_half_way_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> int:
        raise psutil.NoSuchProcess(1)

    monkeypatch.setattr("stream.bench.processor_time.resident_bytes", fail)
    sampled = Sampled()
    with pytest.raises(psutil.NoSuchProcess):
        sampled.add(os.getpid())
    assert sampled.samples == []
