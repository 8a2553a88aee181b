"""Models that read the entity of a tweet: inputs, soft labels, training, conversion and evaluation."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from stream.errors import InputError
from stream.experiment.plan import PlannedModel
from stream.model.bundle import Bundle, Cleaning, load_bundle
from stream.model.classifier import Classifier
from stream.model.segments import token_types
from stream.model.tokenizer import Tokenizer
from stream.tweets.polarity import Polarity
from stream.tweets.tweet import Tweet
from tests.training.conftest import CONFIG
from tests.training.toy import FINETUNE, entity_run, recipe_of, toy_run, train, write_network
from training.about import read_about
from training.averaging import average_checkpoints
from training.bundling import Conversion, make_bundle
from training.checkpoint import Array, Checkpoint, load_checkpoint
from training.cli import app
from training.data.tweets import LabelledTweet
from training.datasets import ReadOptions, read_dataset
from training.encoder import encoder
from training.errors import CheckpointError, RecipeError
from training.from_bundle.checkpoint import unpack_bundle
from training.learning.batches import BatchOrder
from training.learning.examples import Examples, TweetTokenizer, read_tokenizer
from training.learning.initial_model import InitialModel
from training.learning.network import Network, read_pretrained
from training.learning.recipe import Distil, read_recipe
from training.learning.run_data import read_run_data
from training.learning.soft_label_files import SoftLabelSource, find_soft_labels
from training.reference import Reference
from training.teachers.keys import SoftLabels, key_of
from training.tensorflow_subject import TensorFlowSubject

pytestmark = pytest.mark.training

PAIRS = [[2, 5, 6, 7, 3, 8, 9, 3], [2, 10, 3, 11, 3], [2, 12, 13, 14, 15, 3]]
SEPARATOR = 3
ENTITIES = ["@cat", "sun rain", None, "cat " * 20, "#", "sun"]
TEXTS = ["good cake !", "bad " * 30, "late train again", "rain " * 9, "sun", ""]


@pytest.fixture(scope="module")
def trained(checkpoint_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the checkpoint of a run whose tweets tell nothing without their entities."""
    folder = tmp_path_factory.mktemp("entities")
    base = write_network(folder / "base", CONFIG, checkpoint_folder / "tokenizer.json")
    return train(entity_run(folder, str(base), FINETUNE.replace("epochs = 5", "epochs = 6")))


@pytest.fixture(scope="module")
def dev(trained: Path) -> Path:
    return trained.parents[2] / "dev.jsonl"


@pytest.fixture(scope="module")
def bundle(trained: Path, dev: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    out = tmp_path_factory.mktemp("bundle") / "float32"
    conversion = Conversion(load_checkpoint(trained), read_about(trained / "about.toml"), "float32")
    make_bundle(conversion, read_dataset([dev]).tweets, "dev.jsonl", out, on_step=lambda _: None)
    return load_bundle(out)


def test_model_learns_from_the_entity(trained: Path) -> None:
    scores = json.loads((trained.parent / "scores.json").read_text())
    assert scores["macro_recall"] > 0.9
    assert scores["without_entity"]["macro_recall"] < 0.6
    about = read_about(trained / "about.toml")
    assert about.entity
    assert about.training["entity_dropout"] == 0.3
    assert about.training["dev"]["without_entity"]["macro_recall"] == scores["without_entity"]["macro_recall"]


def test_bundle_reads_entities_as_its_checkpoint_does(trained: Path, bundle: Bundle) -> None:
    assert bundle.manifest.inputs.entity
    encoded = [tokens.ids for tokens in Tokenizer(bundle).encode_all(TEXTS, ENTITIES)]
    reference = Reference(load_checkpoint(trained), entity=True)
    np.testing.assert_allclose(Classifier(bundle).logits(encoded), reference.logits(encoded), rtol=0, atol=1e-4)


def test_tokens_in_training_are_those_of_the_service(trained: Path, bundle: Bundle) -> None:
    config, _ = read_pretrained(trained)
    tokenizer = TweetTokenizer(read_tokenizer(trained, 24, config), Cleaning(name="words", version=1))
    ours = tokenizer.with_entities(tokenizer.token_ids(TEXTS), ENTITIES)
    assert ours == [tokens.ids for tokens in Tokenizer(bundle).encode_all(TEXTS, ENTITIES)]


def test_unpacked_bundle_knows_the_second_segment(bundle: Bundle, tmp_path: Path) -> None:
    assert unpack_bundle(bundle, tmp_path / "checkpoint") < 1e-4
    unpacked = load_checkpoint(tmp_path / "checkpoint")
    assert read_about(tmp_path / "checkpoint/about.toml").entity
    first, second = unpacked.weights["bert.embeddings.token_type_embeddings.weight"]
    assert not first.any()
    assert second.any()


def test_evaluation_shows_scores_with_and_without_entities(bundle: Bundle, dev: Path) -> None:
    arguments = ["evaluate", str(bundle.path), "--data", str(dev), "--json"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    found = json.loads(result.stdout)["bundles"]
    assert list(found) == ["float32", "float32 without entity"]
    assert found["float32"]["macro_recall"] > 0.9
    assert found["float32 without entity"]["macro_recall"] < 0.6


def test_card_shows_scores_with_and_without_entities(bundle: Bundle, dev: Path, tmp_path: Path) -> None:
    arguments = ["card", str(bundle.path), "--data", str(dev), "--out", str(tmp_path / "card.md")]
    assert CliRunner().invoke(app, arguments, catch_exceptions=False).exit_code == 0
    card = (tmp_path / "card.md").read_text()
    assert "| with the entity | without |" in card
    assert "polarity towards the entity that is named" in card
    assert "not towards a person, brand" not in card


def test_experiments_give_the_entity_to_the_model(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.tensorflow_subject._use_threads", lambda _: None)
    plan = PlannedModel(name="toy", path=str(trained), kind="tensorflow", max_tokens=24)
    subject = TensorFlowSubject(plan, trained, threads=1)
    labels = {}
    for entity in ("cat", "monday", None):
        tokens = subject.tokens(Tweet(id="1", text="@ ! ? http", entity=entity))
        assert tokens.has_entity == (entity is not None)
        labels[entity] = subject.infer(tokens).polarity
    assert (labels["cat"], labels["monday"]) == ("positive", "negative")
    long = subject.tokens(Tweet(id="1", text="late " * 23, entity="cat"))
    assert (len(long.ids), long.truncated, long.has_entity) == (24, True, True)


def test_checkpoints_with_and_without_entities_are_not_averaged(trained: Path, tmp_path: Path) -> None:
    about = (trained / "about.toml").read_text()
    other = tmp_path / "other"
    other.mkdir()
    for file in trained.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "about.toml").write_text(about.replace("entity = true", "entity = false"))
    with pytest.raises(CheckpointError, match="only one of them reads entities"):
        average_checkpoints([trained, other], tmp_path / "average")


@pytest.mark.parametrize("length", [8, 12])
def test_logits_of_two_segments_equal_those_of_transformers(checkpoint: Checkpoint, length: int) -> None:
    expected = Reference(checkpoint, entity=True).logits(PAIRS)
    np.testing.assert_allclose(logits(checkpoint, PAIRS, length), expected, rtol=0, atol=1e-5)
    assert np.abs(expected - Reference(checkpoint).logits(PAIRS))[:2].max() > 1e-3
    np.testing.assert_allclose(expected[2], Reference(checkpoint).logits(PAIRS)[2], rtol=0, atol=1e-5)


def logits(checkpoint: Checkpoint, batch: Sequence[Sequence[int]], length: int) -> Array:
    input_ids = np.zeros((len(batch), length), dtype=np.int32)
    for row, ids in zip(input_ids, batch, strict=True):
        row[: len(ids)] = ids
    return np.asarray(encoder(checkpoint, 24).logits(input_ids, token_types(batch, length)))


def test_segments_in_training_are_those_of_inference(checkpoint: Checkpoint) -> None:
    network = Network(*read_pretrained(checkpoint.path), "classifier", "here", separator_id=SEPARATOR)
    padded = np.zeros((3, 9), np.int32)
    for row, ids in zip(padded, PAIRS, strict=True):
        row[: len(ids)] = ids
    found = network.outputs(padded).logits.numpy()
    np.testing.assert_allclose(found, Reference(checkpoint, entity=True).logits(PAIRS), rtol=0, atol=1e-5)


def tweet(text: str, entity: str | None) -> LabelledTweet:
    return LabelledTweet(text, "positive", text, entity)


def test_soft_labels_with_and_without_the_entity_are_found(tmp_path: Path) -> None:
    rows = {("a", "cat"): 0, ("a", ""): 1, ("b", "cat"): 2, ("c", None): 0}
    keys = [key_of(text, entity) for text, entity in rows]
    confident = 20 * np.eye(3, dtype=np.float32)[list(rows.values())]
    SoftLabels.of(keys, confident, np.zeros(len(rows), np.int8)).write(tmp_path / "labels.npz")
    settings = Distil(learning_rate=1, epochs=1, temperature=1, gold_weight=0, gold_as_soft=True)
    tweets = [tweet("a", "cat"), tweet("b", "cat"), tweet("a", "sun"), tweet("c", None)]
    source = SoftLabelSource([tmp_path / "labels.npz"], entity=True)
    found = find_soft_labels(tweets, ["a", "d"], None, source, settings)
    assert found.without_entity is not None
    assert found.probabilities.argmax(axis=1).tolist() == [0, 2, 2, 0, 1]
    assert found.without_entity.argmax(axis=1).tolist() == [1, 2, 2, 0, 1]
    assert (found.gold_alone, found.left_out) == (1, 1)
    blind = find_soft_labels(tweets, [], None, replace(source, entity=False), settings)
    assert blind.without_entity is None
    assert blind.probabilities.argmax(axis=1).tolist() == [1, 2, 1, 0]


def test_entities_are_left_out_by_seed() -> None:
    order = BatchOrder(tuple([3] * 400), 400, seed=5)
    drawn = order.drawn(0, 0.3)
    assert (drawn == order.drawn(0, 0.3)).all()
    assert (drawn != order.drawn(1, 0.3)).any()
    assert 0.2 < drawn.mean() < 0.4
    assert not order.drawn(0, 0.0).any()
    examples = Examples([[1, 2], [3, 4]], np.array([0, 1]), without_entity=[[1], [3]])
    assert examples.rows(np.array([1, 0]), np.array([True, False])) == [[3], [1, 2]]


def test_the_entity_stays_where_a_text_has_different_polarities(trained: Path) -> None:
    recipe = recipe_of(trained.parents[2], "entity = true\n" + FINETUNE, str(trained))
    rows: list[tuple[str, str, Polarity]] = [
        ("both", "cat", "positive"),
        ("both", "sun", "negative"),
        ("one", "cat", "positive"),
        ("one", "sun", "positive"),
    ]
    tweets = [LabelledTweet(f"{text}-{entity}", polarity, text, entity) for text, entity, polarity in rows]
    examples = InitialModel.read(trained, recipe, None).examples(tweets)
    order = examples.order(4, seed=0)
    left_out = np.zeros(len(rows))
    for step in range(50):
        left_out[order.batch(step)] += examples.entity_dropout(order, step, 0.9)
    assert left_out[:2].tolist() == [0, 0]
    assert (left_out[2:] > 30).all()


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ("entity_dropout = 0.3\n", "entity_dropout needs entity = true"),
        ("entity = true\nentity_dropout = 2\n", "entity_dropout: "),
    ],
)
def test_error_names_the_fault_in_a_recipe(tmp_path: Path, keys: str, complaint: str) -> None:
    with pytest.raises(RecipeError, match=complaint):
        recipe_of(tmp_path, keys + FINETUNE, "nothing")


def test_recipe_for_entities_needs_room_for_them(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    recipe_of(tmp_path, "entity = true\n" + FINETUNE, "nothing")
    path.write_text(path.read_text().replace("max_tokens = 24", "max_tokens = 19"))
    with pytest.raises(RecipeError, match="max_tokens must be at least 20 where entity is true"):
        read_recipe(str(path))


def test_data_without_entities_are_refused(tmp_path: Path) -> None:
    run = toy_run(tmp_path, "nothing", "entity = true\n" + FINETUNE)
    with pytest.raises(InputError, match=r"train\.tsv names no entities, but the recipe has entity = true"):
        read_run_data(run.files, entity=True)


def test_targets_and_scores_of_semeval_are_read(tmp_path: Path) -> None:
    file = tmp_path / "targets.tsv"
    lines = ["id\tset\ttarget\tscore\ttext", '1\ttrain\t@acme\t-2\t"never again', "1\ttrain\tcakes\t1\tnever again"]
    file.write_text("\n".join([*lines, "2\tdev\tcakes\t0\tsome cake"]) + "\n")
    read = [(tweet.entity, tweet.polarity, tweet.text) for tweet in read_dataset([file]).tweets]
    assert read == [
        ("@acme", "negative", '"never again'),
        ("cakes", "positive", "never again"),
        ("cakes", "neutral", "some cake"),
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("target\tpolarity\ttext\n", "has a header but no tweets"),
        ("target\tpolarity\ttext\na\tpositive\n", "line 2 has 2 columns, its header 3"),
        ("target\tscore\ttext\na\t3\tb\n", "line 2 has the label '3'"),
        ("target\ttext\na\tb\n", "has the columns target, text instead of target, text and score or polarity"),
    ],
)
def test_error_names_the_fault_in_a_file_of_targets(tmp_path: Path, content: str, complaint: str) -> None:
    file = tmp_path / "targets.tsv"
    file.write_text(content)
    with pytest.raises(InputError, match=complaint):
        read_dataset([file], ReadOptions(format="targets"))
