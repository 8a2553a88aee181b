from pathlib import Path

import pytest

from tests.training.toy import FINETUNE, recipe_of
from training.errors import RecipeError
from training.learning.recipe import read_recipe, shipped_recipes

pytestmark = pytest.mark.training


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipe_is_read_by_name(name: str) -> None:
    assert read_recipe(name).name == name


def test_mobilebert_recipe_has_the_settings_of_the_paper() -> None:
    recipe = read_recipe("mobilebert")
    assert recipe.base == "google/mobilebert-uncased"
    assert recipe.finetune
    assert (recipe.finetune.learning_rate, recipe.finetune.batch_tweets) == (1e-5, 32)


def test_order_of_stages_does_not_depend_on_the_file(tmp_path: Path) -> None:
    adapt = "[adapt]\nlearning_rate = 1e-4\nepochs = 1\n"
    distil = "[distil]\nlearning_rate = 1e-4\nepochs = 1\n"
    recipe = recipe_of(tmp_path, FINETUNE + distil + adapt, "teacher")
    assert list(recipe.stages) == ["adapt", "distil", "finetune"]


@pytest.mark.parametrize(
    ("stages", "complaint"),
    [
        ("", r"toy\.toml: recipe: .*needs \[finetune\], \[distil\], or both"),
        (FINETUNE + "colour = 1\n", "finetune.colour: Extra inputs"),
        (FINETUNE.replace("3e-3", "-1"), "finetune.learning_rate: "),
        (FINETUNE + "warm_up = 2\n", "finetune.warm_up: "),
        (FINETUNE + "frozen_layers = 1\nadversary = 1.0\n", "finetune: .*adversary needs trained word embeddings"),
        ("[distil]\nlearning_rate = 1e-4\nepochs = 1\nprior = [0.5, 0.0]\n", "distil.prior.2: Field required"),
        ("[distil]\nlearning_rate = 1e-4\nepochs = 1\nprior = [0.5, 0.0, nan]\n", "distil.prior.2: .*finite"),
        ("[distil]\nlearning_rate = 1e-4\nepochs = 1\nprior = 0.5\n", "distil.prior: "),
        ("[finetune\n", "is not valid TOML"),
    ],
)
def test_error_names_the_fault_in_a_recipe(tmp_path: Path, stages: str, complaint: str) -> None:
    with pytest.raises(RecipeError, match=complaint):
        recipe_of(tmp_path, stages, "nothing")


def test_error_for_an_unknown_recipe_lists_the_shipped_ones() -> None:
    with pytest.raises(RecipeError, match=r"no recipe mobilbert .*bert-large, minilm, minilm-distilled, "):
        read_recipe("mobilbert")
