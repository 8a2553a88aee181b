"""A recipe: a TOML file that says what is trained from what, and how. docs/training.md describes its keys.

The stages run in this order, each only if the recipe has it: `[adapt]`, `[distil]`, `[finetune]`.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stream.model.bundle import Cleaning
from training.errors import RecipeError

SHIPPED_RECIPES = Path(__file__).parent.parent / "recipes"
TEACHER = "teacher"
"""As a recipe's base: the first of the teachers."""

StageName = Literal["adapt", "distil", "finetune"]
Share = Annotated[float, Field(ge=0, le=1)]
Arithmetic = Literal["float32", "bfloat16"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stage(_Section):
    """What every stage has: AdamW with a rate that rises, then falls, over a number of passes."""

    learning_rate: float = Field(gt=0)
    """Its highest."""
    epochs: float = Field(gt=0)
    """Passes over the stage's tweets; parts of one count too."""
    batch_tweets: int = Field(default=32, ge=1)
    warm_up: Share = 0.06
    """The share of the steps in which the rate rises; in the rest it falls to nothing, both linearly."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Of matrices alone: neither biases nor norms decay."""
    gradient_norm: float = Field(default=1.0, gt=0)
    """Longer gradients are cut to this length."""
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    """The rate of each layer as a share of the one above it (Howard and Ruder, 2018)."""
    averaging: float = Field(default=0.0, ge=0, lt=1)
    """How much of the running average of the weights each step keeps; 0 is no averaging."""
    adversary: float = Field(default=0.0, ge=0)
    """How far the word embeddings are moved against the network in each step, over all words of a batch together."""
    arithmetic: Arithmetic = "float32"
    """In which matrices are multiplied; what is added up, and the weights themselves, are in float32 all the same."""


class Supervised(Stage):
    """A stage that is judged on the dev set as it goes."""

    evaluations_per_epoch: int = Field(default=2, ge=1)
    patience: int = Field(default=0, ge=0)
    """Ends after so many evaluations in a row without a better one; 0 never does."""
    class_weights: Literal["none", "sqrt", "full"] = "none"
    """By the inverse frequency of the classes, or its square root."""
    label_smoothing: Share = 0.0


class Adapt(Stage):
    """Masked-language modelling on unlabelled tweets (Gururangan et al., 2020)."""

    masked: Share = 0.15
    """The share of the tokens that are to be guessed."""


class Distil(Supervised):
    """Learning from what teachers say of labelled and unlabelled tweets (Hinton et al., 2015)."""

    temperature: float = Field(default=2.0, gt=0)
    """Softens the teachers' labels, and the student's."""
    gold_weight: Share = 0.3
    """The share of the loss that comes from people's labels, where there are any."""
    state_weight: float = Field(default=0.0, ge=0)
    """How much the distance of the student's state of [CLS] from the first teacher's counts."""


class Student(_Section):
    """A smaller model cut out of the base."""

    layers: list[int] | None = None
    """The base's layers that it begins with, counted from 0; left out, all of them."""
    intermediate_size: int | None = Field(default=None, ge=1)
    """The feed-forward neurons it keeps in each layer, those with the largest weights; left out, all of them."""


class Recipe(_Section):
    """The contents of a recipe file."""

    name: str = Field(min_length=1)
    base: str
    """A folder, `package:NAME` for an installed one, a name on the hub, or `teacher`."""
    licence: str
    max_tokens: int = Field(ge=3, le=512)
    cleaning: Cleaning
    head_seed: int | None = Field(default=None, ge=0)
    """What the classifier's first weights are drawn from; left out, each seed of a run draws its own."""
    adapt: Adapt | None = None
    student: Student | None = None
    distil: Distil | None = None
    finetune: Supervised | None = None

    @property
    def stages(self) -> dict[StageName, Stage]:
        """The stages it has, in their order."""
        stages: dict[StageName, Stage | None] = {
            "adapt": self.adapt,
            "distil": self.distil,
            "finetune": self.finetune,
        }
        return {name: stage for name, stage in stages.items() if stage}

    @model_validator(mode="after")
    def _learns_labels(self) -> Self:
        if not (self.distil or self.finetune):
            raise ValueError("a recipe needs [finetune], [distil], or both")
        return self


def read_recipe(name_or_path: str) -> Recipe:
    """Read a recipe, by the name of a shipped one or by its path.

    Raises:
        RecipeError: There is none, or a key is missing, wrong or unknown.
    """
    path = SHIPPED_RECIPES / f"{name_or_path}.toml"
    if not path.is_file():
        path = Path(name_or_path)
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RecipeError(
            f"no recipe {name_or_path} ({error.strerror}): name one of {', '.join(shipped_recipes())}, or a TOML file"
        ) from error
    except ValidationError as error:  # a ValueError too, so it must come before the next
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise RecipeError(f"{path}: {where}: {first['msg']}") from error
    except ValueError as error:
        raise RecipeError(f"{path} is not TOML: {error}") from error


def shipped_recipes() -> list[str]:
    """The names of the recipes that come with Starling."""
    return sorted(path.stem for path in SHIPPED_RECIPES.glob("*.toml"))
