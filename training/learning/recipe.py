"""Recipes: TOML files with the base model, the stages and the settings of a training. docs/training.md lists the keys.

The stages of a recipe run in this order: `[adapt]`, `[distil]`, `[finetune]`.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stream.model.bundle import MOST_ENTITY_TOKENS, Cleaning
from training.errors import RecipeError

SHIPPED_RECIPES = Path(__file__).parent.parent / "recipes"
LEAST_PAIR_TOKENS = MOST_ENTITY_TOKENS + 4
"""[CLS], one token of the tweet, [SEP], the entity, [SEP]."""
TEACHER = "teacher"
"""Base of a recipe that stands for the first teacher."""

StageName = Literal["adapt", "distil", "finetune"]
Share = Annotated[float, Field(ge=0, le=1)]
Arithmetic = Literal["float32", "bfloat16"]
Logit = Annotated[float, Field(allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stage(_Section):
    """Settings of all stages: AdamW with linear warm-up and decay."""

    learning_rate: float = Field(gt=0)
    """Peak learning rate."""
    epochs: float = Field(gt=0)
    """Passes over the stage's tweets; may be fractional."""
    batch_tweets: int = Field(default=32, ge=1)
    warm_up: Share = 0.06
    """Share of the steps with linear warm-up; in the others the rate decays linearly to 0."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Weight decay of matrices; biases and norms do not decay."""
    gradient_norm: float = Field(default=1.0, gt=0)
    """Maximum norm to which gradients are clipped."""
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    """Learning rate of each layer relative to the layer above it (Howard and Ruder, 2018)."""
    frozen_layers: int = Field(default=0, ge=0)
    """Number of lowest layers that are not trained, nor are the embeddings below them; 0: all weights are trained."""
    averaging: float = Field(default=0.0, ge=0, lt=1)
    """Decay of the moving average of the weights; 0 disables averaging."""
    adversary: float = Field(default=0.0, ge=0)
    """Norm of the adversarial perturbation of the word embeddings, over all words of a batch; 0 disables it."""
    arithmetic: Arithmetic = "float32"
    """Arithmetic of matrix products; sums and weights are always in float32."""

    @model_validator(mode="after")
    def _trains_embeddings_of_adversary(self) -> Self:
        if self.frozen_layers and self.adversary:
            raise ValueError("adversary needs trained word embeddings, so frozen_layers must be 0")
        return self


class Supervised(Stage):
    """Settings of stages that are evaluated on the dev set."""

    evaluations_per_epoch: int = Field(default=2, ge=1)
    patience: int = Field(default=0, ge=0)
    """Number of evaluations without improvement after which the stage ends; 0 disables early stopping."""
    class_weights: Literal["none", "sqrt", "full"] = "none"
    """Class weights: inverse frequency (`full`) or its square root (`sqrt`)."""
    label_smoothing: Share = 0.0


class Adapt(Stage):
    """Masked-language modelling on unlabelled tweets (Gururangan et al., 2020)."""

    masked: Share = 0.15
    """Share of tokens that are selected for masking."""


class Distil(Supervised):
    """Knowledge distillation on labelled and unlabelled tweets (Hinton et al., 2015)."""

    temperature: float = Field(default=2.0, gt=0)
    """Temperature of the softmax of teachers and student."""
    gold_weight: Share = 0.3
    """Weight of the loss on gold labels; the loss on soft labels has the rest."""
    state_weight: float = Field(default=0.0, ge=0)
    """Weight of the squared distance between the [CLS] states of the student and the first teacher."""
    prior: tuple[Logit, Logit, Logit] = (0.0, 0.0, 0.0)
    """Added to the teachers' logits, in the order of POLARITIES."""
    gold_as_soft: bool = False
    """True if gold labels stand in for missing soft labels although `gold_weight` is 0."""


class Student(_Section):
    """Student: a smaller model made from parts of the base model."""

    layers: list[int] | None = None
    """Layers of the base that are kept, counted from 0; default: all."""
    intermediate_size: int | None = Field(default=None, ge=1)
    """Number of feed-forward neurons kept in each layer, those with the largest weights; default: all."""


class Recipe(_Section):
    """Contents of a recipe file."""

    name: str = Field(min_length=1)
    base: str
    """Base model: a folder, `package:NAME` for an installed package, a name on the hub, or `teacher`."""
    licence: str
    max_tokens: int = Field(ge=3, le=512)
    cleaning: Cleaning
    entity: bool = False
    """True if the entity of a tweet is the second segment of its input."""
    entity_dropout: Share = 0.0
    """Share of the tweets in training whose entity is left out, so that the model works without it."""
    head_seed: int | None = Field(default=None, ge=0)
    """Seed of the classification head's initial weights; default: the seed of the run."""
    adapt: Adapt | None = None
    student: Student | None = None
    distil: Distil | None = None
    finetune: Supervised | None = None

    @property
    def stages(self) -> dict[StageName, Stage]:
        """Stages of the recipe, in their order."""
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

    @model_validator(mode="after")
    def _reads_entities(self) -> Self:
        if self.entity_dropout and not self.entity:
            raise ValueError("entity_dropout needs entity = true")
        if self.entity and self.max_tokens < LEAST_PAIR_TOKENS:
            raise ValueError(f"max_tokens must be at least {LEAST_PAIR_TOKENS} where entity is true")
        return self


def read_recipe(name_or_path: str) -> Recipe:
    """Read a recipe by the name of a shipped one or by its path.

    Raises:
        RecipeError: The recipe does not exist, or a key is missing, wrong or unknown.
    """
    path = SHIPPED_RECIPES / f"{name_or_path}.toml"
    if not path.is_file():
        path = Path(name_or_path)
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RecipeError(
            f"no recipe {name_or_path} ({error.strerror}): use one of {', '.join(shipped_recipes())}, or a TOML file"
        ) from error
    except ValidationError as error:  # a subclass of ValueError, so it comes first
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "recipe"
        raise RecipeError(f"{path}: {where}: {first['msg']}") from error
    except ValueError as error:
        raise RecipeError(f"{path} is not valid TOML: {error}") from error


def shipped_recipes() -> list[str]:
    """Return the names of the recipes that come with Starling."""
    return sorted(path.stem for path in SHIPPED_RECIPES.glob("*.toml"))
