"""Tiny networks, and tweets whose polarity depends on one word, for tests of training."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stream.tweets.polarity import POLARITIES, Polarity
from training.learning.recipe import Recipe, read_recipe
from training.learning.run import Run
from training.learning.run_data import DataFiles, read_run_data
from training.learning.seed import SeedRun

TELLING: dict[Polarity, tuple[str, ...]] = {
    "negative": ("bad", "late", "rain", "monday"),
    "neutral": ("train", "again"),
    "positive": ("good", "cake", "sun", "cat"),
}
FILLERS = ("@", "user", "http", "!", "?")

RECIPE = """
name = "toy"
base = "{base}"
licence = "Apache-2.0"
max_tokens = 24
cleaning = {{ name = "words", version = 1 }}
"""
FINETUNE = """
[finetune]
learning_rate = 3e-3
epochs = 5
batch_tweets = 16
"""


def write_tweets(path: Path, tweets: int, seed: int) -> Path:
    chooser = random.Random(seed)
    lines = []
    for number in range(tweets):
        polarity = POLARITIES[number % 3]
        words = chooser.choices(FILLERS, k=chooser.randint(2, 7))
        words.insert(chooser.randint(0, len(words)), chooser.choice(TELLING[polarity]))
        lines.append(f"{seed}{number:04}\t{polarity}\t{' '.join(words)}\n")
    path.write_text("".join(lines))
    return path


def write_texts(path: Path, tweets: int, seed: int) -> Path:
    labelled = write_tweets(path, tweets, seed).read_text().splitlines()
    path.write_text("".join(line.split("\t")[2] + "\n" for line in labelled))
    return path


def recipe_of(folder: Path, stages: str, base: str) -> Recipe:
    path = folder / "toy.toml"
    path.write_text(RECIPE.format(base=base) + stages)
    return read_recipe(str(path))


def toy_run(folder: Path, base: str, stages: str = FINETUNE, **changes: Any) -> Run:
    """Return a run with 240 training tweets and 60 dev tweets."""
    folder.mkdir(parents=True, exist_ok=True)
    files = DataFiles(
        data=[write_tweets(folder / "train.tsv", 240, seed=1)],
        dev=write_tweets(folder / "dev.tsv", 60, seed=2),
        unlabelled=[write_texts(folder / "texts.txt", 90, seed=3)],
    )
    run = Run(recipe_of(folder, stages, base), files, teachers=[], seeds=[0], out=folder / "run")
    return replace(run, **changes)


class Monitor:
    """Monitor without output; requests a stop after a number of steps, or of tweets classified by a teacher."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.interrupted = False
        self.losses: list[float] = []
        self.answers = 0

    def begin_part(self, part: str, total: int, done: int) -> None:
        pass

    def on_step(self, doing: str) -> None:
        pass

    def tweets_done(self, tweets: int) -> None:
        self.answers += tweets
        self.interrupted = self.stop_after == self.answers

    def step_done(self, loss: float, _best: float) -> None:
        self.losses.append(loss)
        self.interrupted = len(self.losses) == self.stop_after


def train(run: Run, monitor: Monitor | None = None) -> Path:
    """Train the first seed; return its checkpoint."""
    data = read_run_data(run.files, run.recipe.distil, entity=run.recipe.entity)
    run.open_folder(data)
    return SeedRun(run, data, run.seeds[0], monitor or Monitor()).train()


def write_network(folder: Path, config: dict[str, Any], tokenizer: Path) -> Path:
    """Write a checkpoint with random weights, without a classification head."""
    from pydantic import TypeAdapter  # noqa: PLC0415
    from safetensors.numpy import save_file  # noqa: PLC0415

    from training.architectures import ModelConfig, weight_shapes  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    generator = np.random.default_rng(7)
    adapter: TypeAdapter[Any] = TypeAdapter(ModelConfig)
    weights = {}
    for name, shape in weight_shapes(adapter.validate_python(config)).items():
        middle = 1.0 if name.endswith("LayerNorm.weight") else 0.0
        if not name.startswith("classifier"):
            weights[name] = generator.normal(middle, 0.1, shape).astype(np.float32)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def write_entity_tweets(path: Path, tweets: int, seed: int) -> Path:
    """Write tweets without telling words, whose polarity depends on the name of their entity."""
    chooser = random.Random(seed)
    lines = []
    for number in range(tweets):
        polarity = POLARITIES[number % 3]
        text = " ".join(chooser.choices(FILLERS, k=chooser.randint(2, 7)))
        row = {
            "id": f"{seed}{number:04}",
            "text": f"{text} {' '.join(chooser.choices(FILLERS, k=4))}",
            "polarity": polarity,
            "entity": f"@{chooser.choice(TELLING[polarity])}",
        }
        lines.append(json.dumps(row) + "\n")
    path.write_text("".join(lines))
    return path


def entity_run(folder: Path, base: str, stages: str = FINETUNE, dropout: float = 0.3) -> Run:
    """Return a run of a model that reads entities."""
    run = toy_run(folder, base, f"entity = true\nentity_dropout = {dropout}\n{stages}")
    data = write_entity_tweets(folder / "train.jsonl", 300, seed=1)
    dev = write_entity_tweets(folder / "dev.jsonl", 60, seed=2)
    return replace(run, files=replace(run.files, data=[data], dev=dev, unlabelled=[]))
