import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stream.errors import BundleError, InputError
from stream.model.bundle import load_bundle
from tests.training.replab_folder import write_replab
from tests.unit.tiny_bundle import write_bundle
from training.cli import app

# The vocabulary of the bundle is awful, sad, train, street, nice and lovely; it labels each by its meaning.
TWEETS = [
    ("1", "awful", "negative", "rail"),
    ("2", "sad train", "negative", "rail"),
    ("3", "train", "neutral", "rail"),
    ("4", "lovely", "positive", "bakery"),
    ("5", "nice street", "positive", "bakery"),
    ("6", "street", "negative", "bakery"),
]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle")


@pytest.fixture
def tweets(tmp_path: Path) -> Path:
    file = tmp_path / "tweets.csv"
    rows = "".join(f"{key},{text},{label},{entity}\n" for key, text, label, entity in TWEETS)
    file.write_text("id,text,label,entity\n" + rows)
    return file


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def evaluation(*arguments: str | Path) -> Any:
    result = run("evaluate", *arguments, "--json")
    assert result.exit_code == 0
    return json.loads(result.stdout)


def test_scores_equal_those_of_the_service(bundle: Path, tweets: Path) -> None:
    scored = evaluation(bundle, "--data", tweets)["bundles"]["bundle"]
    assert scored["accuracy"] == round(5 / 6, 4)
    assert scored["classes"]["negative"]["given_as"] == {"negative": 2, "neutral": 1, "positive": 0}
    assert scored["macro_recall"] == round((2 / 3 + 1 + 1) / 3, 4)
    low, high = scored["intervals"]["macro_recall"]
    assert low < scored["macro_recall"] < high


def test_reliability_is_averaged_over_entities(bundle: Path, tweets: Path) -> None:
    scored = evaluation(bundle, "--data", tweets)["bundles"]["bundle"]
    # rail: all labels are correct. bakery: 4 and 5 are above 6 in both labellings, so all relations are equal.
    means = scored["replab"]["entity_means"]
    assert [means[name] for name in ("reliability", "sensitivity", "reliability_sensitivity_f")] == [1, 1, 1]
    assert means["accuracy"] == round((1 + 2 / 3) / 2, 4)
    assert scored["reliability_sensitivity"]["f"] < 1


def test_baselines_are_shown_for_data_with_entities(bundle: Path, tweets: Path) -> None:
    found = evaluation(bundle, "--data", tweets)
    assert list(found["baselines"]) == ["always positive", "majority of each entity in this data"]
    assert found["baselines"]["always positive"]["overall"]["accuracy"] == round(2 / 6, 4)
    assert "F of reliability and sensitivity, mean of entities" in run("evaluate", bundle, "--data", tweets).stdout


def test_baselines_are_trained_on_other_data(bundle: Path, tweets: Path, tmp_path: Path) -> None:
    train = tmp_path / "train.csv"
    rows = [
        ("a", "gloomy day", "negative", "rail"),
        ("b", "quiet day", "neutral", "rail"),
        ("c", "sad day", "negative", "x"),
    ]
    train.write_text(
        "id,text,label,entity\n"
        + "".join(",".join(row) + "\n" for row in [*rows, ("4", "lovely", "positive", "bakery")])
    )
    found = evaluation(bundle, "--data", tweets, "--train", train)["baselines"]
    # rail: negative. bakery has no training tweet except an evaluated one, so it gets the overall majority, negative.
    assert found["majority of each entity"]["overall"]["accuracy"] == round(3 / 6, 4)
    assert "TF-IDF, logistic regression" in found


def test_data_without_entities_has_no_baselines(bundle: Path, tmp_path: Path) -> None:
    file = tmp_path / "tweets.csv"
    file.write_text("id,text,label\n1,awful,negative\n2,lovely,positive\n3,train,neutral\n")
    found = evaluation(bundle, "--data", file)
    assert found["baselines"] == {}
    assert found["bundles"]["bundle"]["replab"] is None


def test_tweets_that_cannot_be_scored_are_counted(bundle: Path, tmp_path: Path) -> None:
    rows = [("1", "EN", "POSITIVE", "lovely"), ("2", "EN", "NEUTRAL", None), ("3", "ES", "NEGATIVE", "triste")]
    write_replab(tmp_path / "replab", rows)
    lines = run("evaluate", bundle, "--data", tmp_path / "replab").stderr.splitlines()
    assert "left out: 1 labelled tweets not in English" in lines
    assert "left out: 1 labelled tweets without their text" in lines


def test_order_of_labels_in_a_bundle_does_not_matter(tmp_path: Path, bundle: Path, tweets: Path) -> None:
    turned = write_bundle(tmp_path / "turned", {"labels": ["positive", "neutral", "negative"]})
    both = evaluation(bundle, turned, "--data", tweets)
    assert both["bundles"]["turned"]["classes"]["negative"]["given_as"]["positive"] == 2
    assert both["more_than_first"]["turned"]["accuracy"]["value"] < 0


def test_bundle_names_have_as_many_folders_as_needed(tmp_path: Path, tweets: Path) -> None:
    seeds = [write_bundle(tmp_path / seed / "bundle") for seed in ("seed-0", "seed-1")]
    scored = evaluation(*seeds, seeds[0], "--data", tweets)
    assert set(scored["bundles"]) == {"seed-0/bundle", "seed-1/bundle"}


def test_several_bundles_are_shown_side_by_side_with_their_mean(tmp_path: Path, bundle: Path, tweets: Path) -> None:
    result = run("evaluate", bundle, write_bundle(tmp_path / "second"), "--data", tweets)
    assert "mean ± sd" in result.stdout
    assert "83.3 ± 0.00" in result.stdout
    assert "Difference from bundle in points" in result.stdout


def test_tables_are_printed_as_markdown(bundle: Path, tweets: Path) -> None:
    lines = run("evaluate", bundle, "--data", tweets, "--markdown").stdout.splitlines()
    assert "| % | bundle |" in lines
    assert "| negative | 3 | 2 | 1 | 0 | 100.0 | 66.7 | 80.0 |" in lines


def test_plots_are_written(tmp_path: Path, bundle: Path, tweets: Path) -> None:
    run("evaluate", bundle, "--data", tweets, "--plots", tmp_path / "plots")
    names = {file.name for file in (tmp_path / "plots").iterdir()}
    assert names == {f"bundle-{what}.{kind}" for what in ("confusion", "calibration") for kind in ("svg", "png")}


def test_a_threshold_makes_uncertain_labels_neutral_and_its_coverage_is_shown(bundle: Path, tweets: Path) -> None:
    scored = evaluation(bundle, "--data", tweets, "--threshold", "0.7")["bundles"]["bundle"]
    # 'sad train' and 'nice street' have less than 0.7 for their polarity, as have the neutral texts.
    assert scored["tweets"] == 6
    assert scored["classes"]["negative"]["given_as"] == {"negative": 1, "neutral": 2, "positive": 0}
    assert 0 < scored["coverage"] < 1
    shown = run("evaluate", bundle, "--data", tweets, "--threshold", "0.7").stdout
    assert f"{100 * scored['coverage']:.1f}" in next(line for line in shown.splitlines() if "coverage" in line)


def test_rejected_tweets_are_not_scored(bundle: Path, tweets: Path) -> None:
    options = ("--threshold", "0.7", "--below-threshold", "reject")
    scored = evaluation(bundle, "--data", tweets, *options)["bundles"]["bundle"]
    assert scored["tweets"] == round(6 * scored["coverage"])
    assert 0 < scored["tweets"] < 6
    with pytest.raises(InputError, match="tiny is unsure of all 6 tweets: lower --threshold"):
        run("evaluate", bundle, "--data", tweets, "--threshold", "1", "--below-threshold", "reject")


def test_bundles_are_compared_on_the_tweets_that_both_label(bundle: Path, tmp_path: Path, tweets: Path) -> None:
    sharper = write_bundle(tmp_path / "sharper", {"temperature": 0.5})
    options = ("--threshold", "0.7", "--below-threshold", "reject")
    both = evaluation(bundle, sharper, "--data", tweets, *options)
    counts = [each["tweets"] for each in both["bundles"].values()]
    assert counts[0] < counts[1]
    assert both["more_than_first"]["sharper"]["accuracy"]["value"] == 0
    shown = run("evaluate", bundle, sharper, "--data", tweets, *options).stdout
    assert f"{counts[0]} / {counts[1]} tweets" in shown


def test_a_prior_moves_labels_to_the_classes_that_it_states(bundle: Path, tweets: Path) -> None:
    plain = evaluation(bundle, "--data", tweets)["bundles"]["bundle"]
    tilted = evaluation(bundle, "--data", tweets, "--prior", "0.98,0.01,0.01")["bundles"]["bundle"]
    assert tilted["classes"]["negative"]["given_as"]["negative"] == 3
    assert plain["classes"]["negative"]["given_as"]["negative"] == 2


def test_own_names_of_columns_and_labels_are_used(tmp_path: Path, bundle: Path) -> None:
    file = tmp_path / "mine.tsv"
    file.write_text("words\tmood\nlovely\tjoy\nawful\tanger\ntrain\tneutral\n")
    names = ["--text-column", "words", "--label-column", "mood", "--label", "joy=positive", "--label", "anger=negative"]
    assert evaluation(bundle, "--data", file, *names)["bundles"]["bundle"]["accuracy"] == 1


def test_label_without_a_polarity_is_rejected(bundle: Path, tweets: Path) -> None:
    result = run("evaluate", bundle, "--data", tweets, "--label", "joy=happy")
    assert result.exit_code == 2
    assert "joy=happy" in result.stderr


def test_card_has_manifest_and_scores(bundle: Path, tweets: Path) -> None:
    training = {"epochs": 3, "limits": ["It knows ten words."], "repeat": ["starling train tiny"]}
    write_bundle(bundle, {"training": training, "source": {"package": {"name": "made up"}}})
    result = run("card", bundle, "--data", tweets)
    assert result.stdout == f"wrote {bundle / 'README.md'}\n"
    lines = (bundle / "README.md").read_text().splitlines()
    assert lines[0] == "# tiny, float32"
    for expected in (
        "| licence | Apache-2.0 |",
        "| source: package: name | made up |",
        "| training: epochs | 3 |",
        "| negative | 3 | 2 | 1 | 0 | 100.0 | 66.7 | 80.0 |",
        "The temperature is 1: the bundle was not calibrated.",
        "- It knows ten words.",
        "- Of 5 polar tweets in this data, 0 got the opposite label.",
        "    starling train tiny",
        "    starling evaluate BUNDLE --data tweets.csv --checklist",
    ):
        assert expected in lines
    assert load_bundle(bundle).manifest.training == training


def test_unwritable_folder_is_an_error(bundle: Path, tweets: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*/nowhere/card\.md: No such file"):
        run("card", bundle, "--data", tweets, "--out", tmp_path / "nowhere" / "card.md")
    with pytest.raises(InputError, match=r"cannot write plots to .*tweets\.csv: File exists"):
        run("evaluate", bundle, "--data", tweets, "--plots", tweets)


def test_error_names_the_invalid_bundle(tweets: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no model bundle at"):
        run("evaluate", tmp_path / "nothing", "--data", tweets)


def test_data_without_one_class_is_scored(bundle: Path, tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_text("text,label\nlovely,positive\ntrain,neutral\n")
    scored = evaluation(bundle, "--data", file)["bundles"]["bundle"]
    assert (scored["balanced_accuracy"], scored["macro_recall"]) == (1, round(2 / 3, 4))
