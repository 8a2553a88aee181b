"""Model card of a bundle (Mitchell et al., 2019): origin, scores, limits, and how to reproduce it.

The content comes from the bundle's manifest and from an evaluation. The authors of a model add their own knowledge in
the checkpoint's `about.toml`: `training.limits` is a list of sentences, `training.repeat` the commands that made the
checkpoint.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stream.model.bundle import MODEL_FILE, Manifest
from stream.tweets.polarity import POLARITIES
from training.evaluation.checklist import KindScores, checklist_grid
from training.evaluation.evaluation import Evaluation
from training.evaluation.stored_calibration import stored_calibration
from training.evaluation.tables import class_grid, score_grid

_LIMITS, _REPEAT = "limits", "repeat"
_WHOLE_TWEET = "The label is the polarity of the whole tweet, not towards a person, brand or topic in it."
_TOWARDS_ENTITY = "The label is the polarity towards the entity that is named; without one, that of the whole tweet."
_ALWAYS = (
    "The training labels are human judgements, on which people disagree. Do not base decisions about a person on it."
)
_NEGATIVE, _POSITIVE = POLARITIES.index("negative"), POLARITIES.index("positive")
_WORDS: dict[str, str] = {"float32": "in 32 bits", "float16": "in 16 bits", "int8": "in 8 bits"}


def model_card(
    evaluation: Evaluation,
    data: str,
    megabytes: float,
    checked: KindScores,
    without_entity: Evaluation | None = None,
) -> str:
    """Return the card as Markdown.

    Args:
        evaluation: Evaluation of the bundle.
        data: Name of the evaluation data.
        megabytes: Size of the model file in MB.
        checked: Accuracy by kind of everyday tweet.
        without_entity: Evaluation without the entities; None: the bundle does not read them.
    """
    manifest = evaluation.manifest
    sections = {
        "Origin": _origin(manifest, megabytes),
        "Scores": _scores(evaluation, data, without_entity),
        "Everyday tweets": _everyday(manifest, checked),
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


def _scores(evaluation: Evaluation, data: str, without_entity: Evaluation | None) -> str:
    manifest = evaluation.manifest
    columns = {manifest.name: evaluation}
    if without_entity:
        columns = {"with the entity": evaluation, "without": without_entity}
    grids = [score_grid(columns), class_grid("By class", evaluation)]
    parts = [*(grid.markdown() for grid in grids), _calibration(manifest), _agreement(manifest)]
    return "\n".join([f"On {data}:", "", *parts])


def _everyday(manifest: Manifest, checked: KindScores) -> str:
    grid = checklist_grid({manifest.name: checked})
    return (
        "Tweets of kinds that users meet on the first day, `training/checklist`, none of them used in training. "
        f"Accuracy in percent with a 95 % interval:\n\n{grid.markdown()}"
    )


def _calibration(manifest: Manifest) -> str:
    stored = stored_calibration(manifest)
    if stored is None:
        fitted = manifest.calibration.get("data")
        temperature = f"The temperature is {manifest.temperature:g}"
        return temperature + (f", fitted on {_written(fitted)}." if fitted else ": the bundle was not calibrated.")
    about = manifest.calibration
    temperatures, biases = 1 / stored.change.scale, stored.change.bias
    shared = about["method"] != "scales"
    values = [f"temperature {temperatures[0]:.2f}" if shared else f"temperatures {_by_class(temperatures, '')}"]
    if about["method"] != "temperature":
        values.append(f"biases {_by_class(biases, '+')}")
    shares = _by_class(about["prior"], "") if _is_tilted(about["prior"]) else "equal"
    return (
        f"The probabilities were calibrated on {_written(about['data'])} ({about['tweets']:,} tweets), with {shares} "
        f"shares of the classes: {', '.join(values)}; they are in the last layer. {_effect(about['cross_fitted'])}\n"
    )


def _effect(effect: Mapping[str, Any]) -> str:
    """Return the effect of a calibration on tweets that it was not fitted on."""
    before, after, gain = effect["before"], effect["after"], effect["gain"]
    low, high = (100 * end for end in gain["macro_recall"]["interval"])
    value = 100 * gain["macro_recall"]["value"]
    verdict = "" if gain["macro_recall"]["beyond_chance"] else "not "
    return (
        f"Cross-fitted in {effect['folds']} folds, macro-recall went from {100 * before['macro_recall']:.1f} to "
        f"{100 * after['macro_recall']:.1f} ({value:+.1f} [{low:+.1f}, {high:+.1f}] points, "
        f"{verdict}beyond chance), the log-loss from {before['log_loss']:.3f} to {after['log_loss']:.3f}, and the ECE "
        f"from {_percent(before['ece'])} to {_percent(after['ece'])}."
    )


def _is_tilted(prior: Iterable[float]) -> bool:
    return len(set(prior)) > 1


def _by_class(values: Iterable[float], sign: str) -> str:
    return ", ".join(f"{polarity} {value:{sign}.2f}" for polarity, value in zip(POLARITIES, values, strict=True))


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
        f"{_TOWARDS_ENTITY if evaluation.manifest.inputs.entity else _WHOLE_TWEET} {_ALWAYS}",
    ]
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _commands(manifest: Manifest, data: str) -> str:
    options = " --per-tensor" if manifest.source.get("scales") == "per tensor" else ""
    commands = [
        *manifest.training.get(_REPEAT, []),
        f"starling convert CHECKPOINT --data {data} --precision {manifest.precision}{options} --out BUNDLE",
        *_calibrate_command(manifest, data),
        f"starling evaluate BUNDLE --data {data} --checklist",
    ]
    lines = "\n".join(f"    {command}" for command in commands)
    return f"With the training extra installed, in the versions of `training/constraints.txt`:\n\n{lines}"


def _calibrate_command(manifest: Manifest, data: str) -> list[str]:
    about = manifest.calibration
    if not about:
        return []
    method = about.get("method", "temperature")
    prior = about.get("prior", [])
    files = "".join(f" --data {name}" for name in about.get("data", [data]))
    options = "" if method == "biases" else f" --method {method}"
    options += f" --prior {','.join(map(str, prior))}" if _is_tilted(prior) else ""
    return [f"starling calibrate BUNDLE{files}{options}"]


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
