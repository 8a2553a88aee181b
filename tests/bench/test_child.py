"""A process that is measured, and those that fail."""

import os
import sys
import time

import pytest

from stream.bench.processor_time import Sampled, Sampler, cpu_seconds
from stream.errors import BenchError
from stream.processes.child import Child

ECHO = "import sys\nprint('{}', flush=True)\nfor line in sys.stdin: print(line, end='', flush=True)"


def python(program: str) -> Child:
    return Child("the peer", [sys.executable, "-c", program])


def test_it_answers_what_it_is_asked() -> None:
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
def test_one_that_does_not_become_ready_says_why_in_a_line(program: str, expected: str) -> None:
    with pytest.raises(BenchError, match=expected), python(program):
        pass


def test_a_program_that_is_not_there_is_named() -> None:
    with (
        pytest.raises(BenchError, match="the peer: cannot run /no/such/program"),
        Child("the peer", ["/no/such/program"]),
    ):
        pass


def test_a_child_that_ends_instead_of_answering_is_reported() -> None:
    ending = python("print('{}', flush=True); input(); raise SystemExit(3)")
    with pytest.raises(BenchError, match="the peer ended with exit code 3"), ending as child:
        child.ask({}, 10)


def test_one_that_does_not_answer_is_not_waited_for_without_end() -> None:
    silent = python("print('{}', flush=True); input(); input()")
    with pytest.raises(BenchError, match="no answer within 0 s"), silent as child:
        child.ask({}, 0.05)


def test_cpu_time_of_another_process_is_what_it_counts_itself() -> None:
    before = time.process_time()
    found = cpu_seconds(os.getpid())
    assert before <= found <= time.process_time()


def test_what_was_used_between_two_times_is_interpolated() -> None:
    sampled = Sampled(times=[0.0, 10.0, 20.0], cpu=[0.0, 5.0, 5.0], resident=[1, 7, 3])
    assert sampled.cpu_between(2.0, 12.0) == pytest.approx(4.0)
    assert sampled.most_resident_bytes(5.0, 25.0) == 7
    assert sampled.resident_between(15.0, 25.0) == [3]


def test_a_sampler_outlives_what_it_samples() -> None:
    with python(ECHO) as child:
        sampler = Sampler({"peer": child.pid})
        with sampler:
            pass
    assert len(sampler.samples["peer"].times) >= 2
