"""The paper's statements against its own tables."""

import pytest

from training.report.claims import table_of_claims
from training.report.paper import Paper, load_paper

VERDICTS = [
    ("All 8-bit models classify", "does not hold", "Raspberry Pi 3B at 8 bit: 1.06 s per tweet, 0.94 per second"),
    ("4.1 % drop", "cannot be checked", "no accuracy of BERT Large is printed"),
    ("160 times smaller", "depends", "1.36 GB, 54 times"),
    ("32 bit is 5.55", "holds", "0.299 s and 0.298 s per tweet"),
    ("8 bit on the 4B is 1.15 times", "does not hold", "is 1.27 times"),
    ("About 25 % CPU", "depends", "31.9 to 85.2 %"),
    ("The 3B+ has the lowest average CPU", "does not hold", "31.9 and 31.9 % at 32 bit, 33.4 and 31.9 % at 16 bit"),
    ("The 4B has the lowest memory", "depends", "3B+ 0.59 GB, 4B 0.71 GB"),
    ("Memory at 16 bit", "not discussed", "75.3 > 64.1 %"),
    ("FLOPS are highest on the 4B", "holds", "9.82e8 at 8 bit"),
    ("The FLOPS column", "cannot be checked", "the paper prints no length"),
    ("'Power (KW)' is a power", "does not hold", "3B 45, 3B+ 70, 4B 70 W per second"),
    ("The 3B needs the least power", "depends", "lowest for Raspberry Pi 4B at every precision"),
    ("SI is highest", "holds", "8,265"),
    ("MPI is highest", "depends", "Raspberry Pi 3B at 8 bit leads"),
    ("RER is highest", "depends", "If E_tot is 'Power' alone, Raspberry Pi 4B leads"),
    ("RER measures efficiency", "does not hold", "32 bit is ahead of 8 bit on every board"),
    ("Maximum accuracy 0.70", "depends", "above 0.6905 if ± is their standard deviation"),
    ("The ± of the accuracies", "does not hold", "16 bit has ±0.0179, 6 times the next"),
    ("Time, FLOPS and power", "does not hold", "every row but Raspberry Pi 3B+ at 16 bit: 2.96e8"),
    ("One number of test tweets", "holds", "in 9 of 9 rows"),
]
"""Beginning of each statement, its verdict, and a part of its numbers."""


@pytest.fixture(scope="module")
def paper() -> Paper:
    return load_paper()


@pytest.fixture(scope="module")
def claims(paper: Paper) -> dict[str, tuple[str, str]]:
    return {statement: (verdict, numbers) for statement, verdict, numbers in table_of_claims(paper).body}


@pytest.mark.parametrize(("start", "verdict", "says"), VERDICTS)
def test_the_verdict_on_a_statement(claims: dict[str, tuple[str, str]], start: str, verdict: str, says: str) -> None:
    (found,) = [found for statement, found in claims.items() if statement.startswith(start)]
    assert found[0] == verdict
    assert says in found[1]


def test_all_statements_are_tested(claims: dict[str, tuple[str, str]]) -> None:
    assert len(VERDICTS) == len(claims)


def test_a_verdict_follows_the_numbers(paper: Paper) -> None:
    rows = [
        row.model_copy(update={"seconds_per_tweet": row.seconds_per_tweet.model_copy(update={"value": 0.5})})
        for row in paper.rows
    ]
    first = table_of_claims(paper.model_copy(update={"rows": rows})).body[0]
    assert first[1] == "holds"


def test_a_statement_whose_numbers_are_missing_cannot_be_checked(paper: Paper) -> None:
    rows = [row for row in paper.rows if row.device == "Raspberry Pi 4B"]
    claims = {line[0]: line[1:] for line in table_of_claims(paper.model_copy(update={"rows": rows})).body}
    verdict, numbers = claims["The 3B+ has the lowest average CPU utilisation"]
    assert verdict == "cannot be checked"
    assert "numbers are missing: no row of Raspberry Pi 3B+" in numbers
