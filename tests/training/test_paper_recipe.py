"""`make paper` with tiny models, from checkpoints to the report."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = [pytest.mark.training, pytest.mark.timeout(600)]  # TensorFlow starts several times

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def paper(checkpoint_folder: Path, tweets_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    seed = folder / "checkpoints" / "tiny" / "seed-0"
    seed.mkdir(parents=True)
    (seed / "checkpoint").symlink_to(checkpoint_folder)
    make(folder, tweets_file)
    return folder


def make(folder: Path, tweets_file: Path) -> str:
    variables = {
        "PAPER": folder / "paper",
        "CHECKPOINTS": folder / "checkpoints",
        "EDGE": "tiny",
        "WORKSTATION": "tiny",
        "SEEDS": "0",
        "PRECISIONS": "int8",
        "PADDED_TO": "24",
        "QUIET_SECONDS": "0.5",
        "NODE": "workstation",
        "DATA": tweets_file,
        "DEV": tweets_file,
        "TEST": tweets_file,
        "STARLING": f"{sys.executable} -m stream",
    }
    arguments = ["make", "--file", "paper.mk", "paper", *(f"{name}={value}" for name, value in variables.items())]
    done = subprocess.run(arguments, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_report_has_the_bundle_and_its_checkpoint_in_tensorflow(paper: Path) -> None:
    report = (paper / "paper" / "report" / "report.md").read_text(encoding="utf-8")
    assert "| workstation | tiny | 8 bit | 1 |" in report
    assert "| workstation | tiny-tensorflow | 32 bit | 1 |" in report
    assert "| tiny-tensorflow | tiny, 8 bit |" in report


def test_report_has_the_baselines(paper: Path) -> None:
    report = (paper / "paper" / "report" / "report.md").read_text(encoding="utf-8")
    assert "| workstation | majority | 32 bit | 1 |" in report
    assert "| workstation | tfidf | 32 bit | 1 |" in report


@pytest.mark.parametrize("plan", ["device", "workstation"])
def test_both_plans_have_a_power_section(paper: Path, plan: str) -> None:
    written = tomllib.loads((paper / "paper" / f"{plan}.toml").read_text(encoding="utf-8"))
    assert written["power"] == {"source": "auto"}


def test_existing_results_are_not_made_again(paper: Path, tweets_file: Path) -> None:
    results = sorted((paper / "paper").glob("results-*/cells/*.json"))
    before = [file.stat().st_mtime_ns for file in results]
    said = make(paper, tweets_file)
    assert [file.stat().st_mtime_ns for file in results] == before
    assert " convert " not in said
