"""Parts of a stage: order, learning rates, averages, losses, masks, students, files."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from hypothesis import given
from hypothesis import strategies as st

from tests.training.conftest import CONFIG
from tests.training.toy import write_network
from training.checkpoint import Array
from training.errors import RecipeError, TrainingError
from training.learning.batches import BatchOrder, padded
from training.learning.examples import UNKNOWN, Examples
from training.learning.files import write_arrays, write_text
from training.learning.fine_tuning import class_weights, gold_loss
from training.learning.initial_model import InitialModel
from training.learning.masking import MaskedWords
from training.learning.optimiser import Optimiser, WeightAverage, is_frozen, learning_rate, rate_share
from training.learning.recipe import Adapt, Recipe, Student, Supervised
from training.learning.student import make_student

pytestmark = pytest.mark.training

SETTINGS = Supervised(learning_rate=1e-3, epochs=2, warm_up=0.1)
RECIPE = Recipe.model_validate(
    {
        "name": "toy",
        "base": "none",
        "licence": "none",
        "max_tokens": 24,
        "cleaning": {"name": "words", "version": 1},
        "finetune": SETTINGS.model_dump(),
    }
)


@pytest.fixture(scope="module")
def initial(checkpoint_folder: Path) -> InitialModel:
    return InitialModel.read(checkpoint_folder, RECIPE, student=None)


@pytest.fixture
def pretrained(checkpoint_folder: Path, tmp_path: Path) -> Path:
    """Return a checkpoint without a classification head."""
    return write_network(tmp_path, CONFIG, checkpoint_folder / "tokenizer.json")


@given(st.lists(st.integers(2, 80), min_size=1, max_size=400), st.integers(1, 40), st.integers(0, 5))
def test_each_tweet_is_in_an_epoch_once(lengths: list[int], batch_tweets: int, seed: int) -> None:
    order = BatchOrder(tuple(lengths), batch_tweets, seed)
    for epoch in range(2):
        steps = range(epoch * order.steps_per_epoch, (epoch + 1) * order.steps_per_epoch)
        assert sorted(np.concatenate([order.batch(step) for step in steps])) == list(range(len(lengths)))


def test_order_depends_on_seed_and_epoch_only() -> None:
    lengths = tuple(range(2, 60))
    first = BatchOrder(lengths, 8, seed=1)
    later_batch = first.batch(9)
    assert (BatchOrder(lengths, 8, seed=1).batch(9) == later_batch).all()
    assert [sorted(first.batch(step)) for step in range(8)] != [sorted(first.batch(step)) for step in range(8, 16)]


def test_tweets_of_a_batch_have_similar_lengths() -> None:
    lengths = np.random.default_rng(0).integers(5, 60, 1600)
    order = BatchOrder(tuple(lengths), 32, seed=0)
    padding = [padded([[1] * lengths[index] for index in order.batch(step)], 0) == 0 for step in range(50)]
    assert np.concatenate([rows.ravel() for rows in padding]).mean() < 0.05


def test_copies_of_a_tweet_are_in_an_epoch() -> None:
    order = BatchOrder((3, 4, 5), 2, seed=0, copies=(1, 4, 2))
    assert order.steps_per_epoch == 4
    assert sorted(np.concatenate([order.batch(step) for step in range(4)])) == [0, 1, 1, 1, 1, 2, 2]
    once = BatchOrder((3, 4, 5), 2, seed=0)
    assert once.batch(1).tolist() == BatchOrder((3, 4, 5), 2, seed=0, copies=(1, 1, 1)).batch(1).tolist()


def test_learning_rate_has_warm_up_and_decay() -> None:
    rates = [learning_rate(SETTINGS, step, 100) for step in range(100)]
    assert max(rates) == rates[10] == SETTINGS.learning_rate
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 2e-5


def test_layer_decay_reduces_the_rate_of_lower_layers() -> None:
    names = ["m/bert/embeddings/word/w:0", "m/bert/encoder/layer_._0/w:0", "m/bert/encoder/layer_._1/w:0", "m/cls/w:0"]
    assert [rate_share(name, 2, 0.5) for name in names] == [0.125, 0.25, 0.5, 1.0]
    assert {rate_share(name, 2, 1.0) for name in names} == {1.0}


def test_lowest_layers_and_embeddings_are_frozen() -> None:
    names = [
        "model/bert/embeddings/word_embeddings/weight:0",
        "model/bert/encoder/layer_._0/output/dense/kernel:0",
        "model/bert/encoder/layer_._10/output/dense/kernel:0",
        "model/bert/pooler/dense/kernel:0",
        "model/classifier/kernel:0",
    ]
    assert [is_frozen(name, 0) for name in names] == [False] * 5
    assert [is_frozen(name, 1) for name in names] == [True, True, False, False, False]
    assert [is_frozen(name, 11) for name in names] == [True, True, True, False, False]


def test_biases_and_norms_do_not_decay() -> None:
    kernel, bias = (tf.Variable([1.0], name=name) for name in ("dense/kernel", "dense/bias"))
    optimiser = Optimiser([kernel, bias], 1, SETTINGS.model_copy(update={"weight_decay": 0.5}))
    optimiser.apply([tf.zeros(1), tf.zeros(1)], tf.constant(0.1))
    assert float(kernel[0]) == pytest.approx(0.95)
    assert float(bias[0]) == 1


def test_weights_are_updated_as_by_keras() -> None:
    generator = np.random.default_rng(0)
    initial = {"dense/kernel": (6, 4), "dense/bias": (4,), "embeddings/weight": (9, 4)}
    start = {name: generator.normal(size=shape).astype(np.float32) for name, shape in initial.items()}
    settings = SETTINGS.model_copy(update={"weight_decay": 0.1, "gradient_norm": 2.0})
    ours = [tf.Variable(value, name=name) for name, value in start.items()]
    theirs = [tf.Variable(value, name=name) for name, value in start.items()]
    optimiser = Optimiser(ours, 1, settings)
    keras = tf_keras.optimizers.AdamW(weight_decay=0.1, jit_compile=False)
    keras.exclude_from_weight_decay(var_names=["bias"])
    keras.build(theirs)
    for step in range(30):
        gradients = [generator.normal(size=value.shape).astype(np.float32) for value in start.values()]
        rate = 0.01 * (step + 1)
        words = tf.IndexedSlices(tf.constant(gradients[2][:3]), tf.constant([2, 5, 2]), tf.constant([9, 4]))
        optimiser.apply([*map(tf.constant, gradients[:2]), words], tf.constant(rate))
        clipped, _ = tf.clip_by_global_norm([*gradients[:2], tf.convert_to_tensor(words)], 2.0)
        keras.learning_rate = rate
        keras.apply_gradients(zip(clipped, theirs, strict=True))
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-4, atol=1e-5)
    assert len(optimiser.variables) == len(keras.variables)  # so that earlier runs can be continued
    for our, their in zip(optimiser.variables, keras.variables, strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-4, atol=1e-5)


def test_swap_exchanges_weights_and_averages() -> None:
    weight = tf.Variable(0.0)
    average = WeightAverage([weight], decay=0.5)
    for step in range(20):
        weight.assign(float(step))
        average.update(tf.constant(float(step)))
    average.swap()
    assert 17 < float(weight) < 19
    average.swap()
    assert float(weight) == 19


def test_rare_classes_have_larger_weights() -> None:
    gold = np.array([0] * 100 + [1] * 25 + [2] * 4 + [-1] * 50)
    weights = {
        kind: class_weights(gold, SETTINGS.model_copy(update={"class_weights": kind}))
        for kind in ("none", "sqrt", "full")
    }
    assert weights["none"].tolist() == [1, 1, 1]
    assert weights["sqrt"] / weights["sqrt"][0] == pytest.approx([1, 2, 5])
    assert weights["full"] / weights["full"][0] == pytest.approx([1, 4, 25])


def test_gold_loss_ignores_unlabelled_tweets() -> None:
    logits = tf.constant([[2.0, 0.0, 0.0], [0.0, 3.0, 0.0]])
    ones = tf.ones(3)
    both = gold_loss(logits, tf.constant([0, -1]), ones, 0.0)
    assert float(both) == pytest.approx(float(gold_loss(logits[:1], tf.constant([0]), ones, 0.0)))
    assert float(gold_loss(logits, tf.constant([-1, -1]), ones, 0.0)) == 0


def test_label_smoothing_penalises_certainty() -> None:
    certain, fair = tf.constant([[50.0, 0.0, 0.0]]), tf.constant([[3.0, 0.0, 0.0]])
    gold, ones = tf.constant([0]), tf.ones(3)
    assert float(gold_loss(certain, gold, ones, 0.1)) > float(gold_loss(fair, gold, ones, 0.1))


def test_head_seed_gives_all_seeds_the_same_initial_head(pretrained: Path) -> None:
    common = RECIPE.model_copy(update={"head_seed": 3})

    heads = [_head(InitialModel.read(pretrained, common, student=None)) for _ in range(2)]
    own = _head(InitialModel.read(pretrained, RECIPE, student=None))

    assert (heads[0] == heads[1]).all()
    assert not (heads[0] == own).any()


def test_trained_head_is_kept(checkpoint_folder: Path, initial: InitialModel) -> None:
    common = RECIPE.model_copy(update={"head_seed": 3})

    assert (_head(InitialModel.read(checkpoint_folder, common, student=None)) == _head(initial)).all()


def _head(initial: InitialModel) -> Array:
    return initial.network("classifier").weights()["classifier.weight"]


def test_special_tokens_are_not_masked(initial: InitialModel) -> None:
    token_ids = [[2, *range(5, 20), 3]] * 64
    examples = Examples(token_ids, np.full(64, UNKNOWN))
    settings = Adapt(learning_rate=1e-3, epochs=1, batch_tweets=64, masked=0.3)
    task = MaskedWords(initial.network("masked_words"), settings, examples, initial.tokenizer.word_pieces, seed=0)
    masked, original = task.inputs(0)
    assert 0.2 < (original >= 0).mean() < 0.4
    assert (original[:, [0, -1]] == -1).all()
    assert (masked[original < 0] == np.array(token_ids)[original < 0]).all()
    assert 0.7 < (masked[original >= 0] == 4).mean() < 0.9
    again, _ = task.inputs(0)
    assert (again == masked).all()


def test_student_with_all_parts_equals_its_base(initial: InitialModel) -> None:
    config, weights = make_student(initial.config, initial.weights, Student(layers=[0, 1], intermediate_size=64))
    assert config.num_hidden_layers == 2
    assert all((weights[name] == initial.weights[name]).all() for name in weights)


def test_student_keeps_the_neurons_with_the_largest_weights(initial: InitialModel) -> None:
    weights = dict(initial.weights)
    name = "bert.encoder.layer.0.intermediate.dense.weight"
    weights[name] = weights[name].copy()
    weights[name][[3, 10]] *= 100
    _, narrow = make_student(initial.config, weights, Student(intermediate_size=2))
    assert (narrow[name] == weights[name][[3, 10]]).all()
    output = "bert.encoder.layer.0.output.dense.weight"
    assert (narrow[output] == weights[output][:, [3, 10]]).all()


@pytest.mark.parametrize(
    ("student", "complaint"),
    [
        (Student(layers=[]), r"student.layers is \[\]"),
        (Student(layers=[-1]), r"the base has the layers 0 to 1"),
        (Student(intermediate_size=65), "intermediate_size is 65, but the base has 64"),
    ],
)
def test_student_with_missing_parts_is_an_error(initial: InitialModel, student: Student, complaint: str) -> None:
    with pytest.raises(RecipeError, match=complaint):
        make_student(initial.config, initial.weights, student)


@contextmanager
def no_room() -> Iterator[None]:
    """Limit files to 1,000 bytes; only briefly, because the output of pytest may be a file too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_incomplete_file_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_text(path, "short")
    too_large = r"cannot write .*state\.json: File too large; files written before"
    with pytest.raises(TrainingError, match=too_large), no_room():
        write_text(path, "long" * 1000)
    with pytest.raises(TrainingError, match=r"cannot write .*arrays: .*File too large"), no_room():
        write_arrays(tmp_path / "arrays", {"numbers": np.zeros(1000)}, {})
    assert path.read_text() == "short"
    assert list(tmp_path.iterdir()) == [path]
