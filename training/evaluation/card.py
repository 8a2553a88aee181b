"""Model card of a bundle (Mitchell et al., 2019): origin, scores, limits, and how to reproduce it.

The content comes from the bundle's manifest and from an evaluation. The authors of a model add their own knowledge in
the checkpoint's `about.toml`: `training.limits` is a list of sentences, `training.repeat` the commands that made the
checkpoint.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from stream.model.bundle import MODEL_FILE, Manifest
from stream.tweets.polarity import POLARITIES
from training.evaluation.evaluation import Evaluation
from training.evaluation.tables import class_grid, score_grid

_LIMITS, _REPEAT = "limits", "repeat"
_ALWAYS = (
    "The label is the polarity of the whole tweet, not towards a person, brand or topic in it. The training labels are "
    "human judgements, on which people disagree. Do not base decisions about a person on it."
)
_NEGATIVE, _POSITIVE = POLARITIES.index("negative"), POLARITIES.index("positive")
_WORDS: dict[str, str] = {"float32": "in 32 bits", "float16": "in 16 bits", "int8": "in 8 bits"}


def model_card(evaluation: Evaluation, data: str, megabytes: float) -> str:
    """Return the card as Markdown.

    Args:
        evaluation: Evaluation of the bundle.
        data: Name of the evaluation data.
        megabytes: Size of the model file in MB.
    """
    manifest = evaluation.manifest
    sections = {
        "Origin": _origin(manifest, megabytes),
        "Scores": _scores(evaluation, data),
        "Limits": _limits(evaluation),
        "How to reproduce it": _commands(manifest, data),
    }
    introduction = (
        f"# {manifest.name}, {manifest.precision}\n\nClassifies a tweet as negative, neutral or positive, with weights "
        f"{_WORDS[manifest.precision]}.\n`model.json` beside this file has the same information for programs.\n"
    )
    return "\n".join([introduction, *(f"## {title}\n\n{text.strip()}\n" for title, text in sections.items())])


def _origin(manifest: Manifest, megabytes: float) -> str:
    training = {name: value for name, value in manifest.training.items() if name not in {_LIMITS, _REPEAT}}
    facts = {
        "base": manifest.base,
        "licence": manifest.licence,
        "size": f"{megabytes:.1f} MB, {manifest.precision}",
        "text": f"cleaning `{manifest.cleaning.name}` {manifest.cleaning.version}, max. {manifest.max_tokens} tokens",
        "SHA-256 of the model": f"`{manifest.files[MODEL_FILE]}`",
        **dict(_flat("source", manifest.source)),
        **dict(_flat("training", training)),
    }
    return _table(facts)


def _scores(evaluation: Evaluation, data: str) -> str:
    manifest = evaluation.manifest
    grids = [score_grid({manifest.name: evaluation}), class_grid("By class", evaluation)]
    fitted = manifest.calibration.get("data")
    temperature = f"The temperature is {manifest.temperature:g}"
    temperature += f", fitted on {_written(fitted)}." if fitted else ": the bundle was not calibrated."
    return "\n".join([f"On {data}:", "", *(grid.markdown() for grid in grids), temperature, _agreement(manifest)])


def _agreement(manifest: Manifest) -> str:
    found = manifest.agreement
    if "equal_labels" not in found:
        return ""
    return f"On {found.get('data')}, {_percent(found['equal_labels'])} of its labels equal those of its checkpoint."


def _limits(evaluation: Evaluation) -> str:
    confusion = evaluation.scores.confusion
    opposite = confusion[_NEGATIVE, _POSITIVE] + confusion[_POSITIVE, _NEGATIVE]
    polar = confusion[[_NEGATIVE, _POSITIVE]].sum()
    calibration = evaluation.calibration
    own: list[str] = evaluation.manifest.training.get(_LIMITS, [])
    sentences = [
        *own,
        f"Of {polar:,} polar tweets in this data, {opposite:,} got the opposite label.",
        f"Confidence and accuracy differ by {_percent(calibration.expected_error)} on average (ECE).",
        _ALWAYS,
    ]
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _commands(manifest: Manifest, data: str) -> str:
    options = " --per-tensor" if manifest.source.get("scales") == "per tensor" else ""
    commands = [
        *manifest.training.get(_REPEAT, []),
        f"starling convert CHECKPOINT --data {data} --precision {manifest.precision}{options} --out BUNDLE",
        *([f"starling calibrate BUNDLE --data {data}"] if manifest.calibration else []),
        f"starling evaluate BUNDLE --data {data}",
    ]
    lines = "\n".join(f"    {command}" for command in commands)
    return f"With the training extra installed, in the versions of `training/constraints.txt`:\n\n{lines}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        title = f"{prefix}: {name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from _flat(title, value)
        else:
            yield title, _written(value)


def _written(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _table(facts: Mapping[str, str]) -> str:
    rows = (f"| {name} | {' '.join(text.split()).replace('|', '/')} |" for name, text in facts.items())
    return "\n".join(["| | |", "| --- | --- |", *rows])
