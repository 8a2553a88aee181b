"""The threshold of a cascade: `starling calibrate --cascade`, and `starling evaluate --cascade`.

The first model of these tests is sure and right of single words, and unsure and wrong of others; the second is right.
"""

import json
import random
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from stream.errors import BundleError, InputError
from stream.settings import ModelSettings
from tests.unit.tiny_bundle import WEIGHTS, write_bundle
from training.cli import app
from training.commands.calibrate_cascade import settings_text
from training.evaluation.cascade import CascadeTweets, cross_fit_threshold, fit_threshold, loss_curve
from training.scores import score_columns

FIRST = WEIGHTS | {"train": (0.0, 0.0, 0.1), "nice": (0.6, 0.0, 0.5), "sad": (0.4, 0.0, 0.5)}
SECOND = {word: tuple(2 * value for value in row) for word, row in WEIGHTS.items()}
EASY = {"negative": "awful", "neutral": "street", "positive": "lovely"}
HARD = {"negative": "sad", "neutral": "train", "positive": "nice"}


@pytest.fixture
def bundles(tmp_path: Path) -> tuple[Path, Path]:
    first = write_bundle(tmp_path / "first", {"name": "small"}, weights=FIRST)
    return first, write_bundle(tmp_path / "second", {"name": "large"}, weights=SECOND)


@pytest.fixture
def tweets(tmp_path: Path) -> Path:
    chooser = random.Random(1)
    rows = []
    for number in range(240):
        label = chooser.choice([*EASY])
        rows.append(f"{number},{chooser.choice([EASY, HARD])[label]},{label}\n")
    file = tmp_path / "tweets.csv"
    file.write_text("id,text,label\n" + "".join(rows))
    return file


def run(*arguments: str | Path | float) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def test_the_threshold_passes_on_what_the_first_model_gets_wrong(
    bundles: tuple[Path, Path], tweets: Path, tmp_path: Path
) -> None:
    file = tmp_path / "cascade.toml"
    options = ("--settings", file, "--instructions", 10, 100)
    result = run("calibrate", "--cascade", *bundles, "--data", tweets, *options)
    assert result.exit_code == 0, result.output
    settings = ModelSettings.model_validate(tomllib.loads(file.read_text())["model"])
    assert (settings.path, settings.cascade) == bundles[::-1]
    evaluation = evaluated(bundles, tweets, settings.cascade_threshold)
    assert evaluation["macro_recall"] == 1
    assert 0.3 < evaluation["passed_on"] < 0.7
    assert "macro-recall +0.00 [+0.00, +0.00] points against large alone (allowed: -0.2)" in result.output
    share = float(re.search(r"cross-fitted ([\d.]+)%", result.output)[1])  # type: ignore[index]  # it is there
    (cost,) = re.findall(r"millions of instructions +10 +100 +([\d.]+) ", result.output)
    assert float(cost) == pytest.approx(10 + share, abs=0.1)


def evaluated(bundles: tuple[Path, Path], tweets: Path, thresholds: Any) -> dict[str, Any]:
    given_options = ("--cascade", bundles[0], "--cascade-threshold", ",".join(map(str, thresholds)))
    result = run("evaluate", bundles[1], "--data", tweets, "--json", *given_options)
    assert result.exit_code == 0, result.output
    scored: dict[str, Any] = json.loads(result.stdout)
    assert set(scored["bundles"]) == {"second", f"{bundles[0]} before second"}
    evaluation: dict[str, Any] = scored["bundles"][f"{bundles[0]} before second"]
    return evaluation


def test_the_settings_are_printed_without_a_file(bundles: tuple[Path, Path], tweets: Path) -> None:
    result = run("calibrate", "--cascade", *bundles, "--data", tweets)
    assert f'[model]\npath = "{bundles[1]}"\ncascade = "{bundles[0]}"\ncascade_threshold = 0.' in result.stdout


def test_a_cascade_before_the_default_bundle_needs_no_path() -> None:
    assert settings_text(Path("fast"), Path("default"), 0.25) == '[model]\ncascade = "fast"\ncascade_threshold = 0.25\n'


def test_evaluation_names_both_models_and_the_share_passed_on(bundles: tuple[Path, Path], tweets: Path) -> None:
    evaluation = evaluated(bundles, tweets, [1.0] * 3)
    assert (evaluation["name"], evaluation["passed_on"], evaluation["uncalibrated"]) == ("small before large", 1, None)
    nothing = evaluated(bundles, tweets, [0.0] * 3)
    assert nothing["passed_on"] == 0
    assert nothing["macro_recall"] < 1
    table = run("evaluate", bundles[1], "--data", tweets, "--cascade", bundles[0], "--cascade-threshold", 0).stdout
    assert re.search(r"passed on +0\.0", table)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "tweets.csv"), "give either a bundle to calibrate, or --cascade"),
        (("bundle", "--cascade", "first", "second"), "give either a bundle to calibrate, or --cascade"),
        (("--cascade", "first", "second"), "--cascade needs --data"),
        (("--cascade", "first", "second", "--undo", "--data", "tweets.csv"), "--cascade needs --data"),
        (("bundle", "--settings", "x.toml", "--data", "tweets.csv"), "--instructions and --settings need --cascade"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(options: tuple[str, ...], message: str) -> None:
    result = run("calibrate", *options)
    assert result.exit_code == 2
    assert message in " ".join(re.sub(r"[│╭╮╰╯─]", " ", result.output).split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--cascade", "fast"), "--cascade and --cascade-threshold belong together"),
        (("--cascade", "fast", "--cascade-threshold", "x"), "--cascade-threshold x: write a number"),
        (("--cascade", "fast", "--cascade-threshold", "1.5"), "--cascade-threshold: a threshold is a difference"),
        (("--cascade", "fast", "--cascade-threshold", "0.1,0.2"), "--cascade-threshold: write a number, or three"),
    ],
)
def test_a_wrong_cascade_is_refused_by_its_option(tweets: Path, options: tuple[str, ...], message: str) -> None:
    result = run("evaluate", "--data", tweets, *options)
    assert result.exit_code == 2
    assert message in " ".join(re.sub(r"[│╭╮╰╯─]", " ", result.output).split())


def test_the_same_bundle_twice_is_refused(bundles: tuple[Path, Path], tweets: Path) -> None:
    result = run("calibrate", "--cascade", bundles[0], bundles[0], "--data", tweets)
    assert (result.exit_code, "name the same bundle" in result.output) == (2, True)
    (tweets.parent / "link").symlink_to(bundles[0])
    with pytest.raises(BundleError, match="is the same model as"):
        run("calibrate", "--cascade", tweets.parent / "link", bundles[0], "--data", tweets)


def test_data_without_a_class_are_refused(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    file = tmp_path / "two.csv"
    file.write_text("id,text,label\n1,awful,negative\n2,lovely,positive\n")
    with pytest.raises(InputError, match="the data contain no neutral tweet"):
        run("calibrate", "--cascade", *bundles, "--data", file)


def test_settings_that_cannot_be_written_are_an_error(bundles: tuple[Path, Path], tweets: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        run("calibrate", "--cascade", *bundles, "--data", tweets, "--settings", tmp_path / "none" / "x.toml")


def test_training_data_are_warned_of(bundles: tuple[Path, Path], tweets: Path, tmp_path: Path) -> None:
    first = write_bundle(tmp_path / "trained", {"training": {"data": ["tweets.csv"]}}, weights=FIRST)
    assert (
        "was trained on files of the same name, tweets.csv"
        in run("calibrate", "--cascade", first, bundles[1], "--data", tweets).stderr
    )


def answers(rows: list[tuple[int, int, int, float]]) -> CascadeTweets:
    gold, first, second, margins = (np.array(column) for column in zip(*rows, strict=True))
    return CascadeTweets(gold, first, second, margins.astype(np.float64))


ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75])),
    max_size=40,
).map(lambda rows: [(0, 0, 0, 0.5), (1, 1, 1, 0.5), (2, 2, 2, 0.5), *rows])


@given(rows=ROWS, tolerance=st.sampled_from([0.0, 0.01, 0.1]))
def test_the_loss_is_bounded_at_the_threshold_and_at_each_higher_one_and_not_at_the_next_lower(
    rows: list[tuple[int, int, int, float]], tolerance: float
) -> None:
    tweets = answers(rows)
    found = fit_threshold(tweets, tolerance)
    candidates = sorted({*tweets.margins.tolist(), 1.0})
    assert all(loss(tweets, at) <= tolerance + 1e-9 for at in candidates if at >= found)
    lower = [at for at in candidates if at < found]
    assert not lower or loss(tweets, lower[-1]) > tolerance - 1e-9


def loss(tweets: CascadeTweets, threshold: float) -> float:
    own = score_columns(tweets.gold, tweets.predicted(tweets.passed_on(threshold))).macro_recall
    return score_columns(tweets.gold, tweets.second).macro_recall - own


def test_a_cross_fitted_tweet_has_a_threshold_of_the_others() -> None:
    # The first model is wrong of one tweet alone, so the threshold without it passes nothing on.
    easy = [(label, label, label, 0.5) for label in range(3) for _ in range(20)]
    tweets = answers([*easy, (0, 1, 0, 0.6)])
    assert fit_threshold(tweets, 0.0) == 1.0
    crossed = cross_fit_threshold(tweets, 0.0, folds=5, seed=0)
    assert not crossed.passed_on[-1]
    assert crossed.passed_on[:-1].sum() > 0


def test_the_curve_has_the_share_that_is_really_passed_on() -> None:
    tweets = answers([(label, label, label, 0.1 * number) for number in range(1, 5) for label in range(3)])
    shares = [share for _, share, _ in loss_curve(tweets, [0.0, 0.3, 1.0])]
    assert shares == [0, 0.25, 1]
