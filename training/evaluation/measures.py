"""Measures by which bundles are compared, in the order of their display."""

from collections.abc import Callable

from training.evaluation.reliability import reliability
from training.scores import Scores

Measure = Callable[[Scores], float]

MEASURES: dict[str, Measure] = {
    "macro_recall": lambda scores: scores.macro_recall,
    "macro_f1": lambda scores: scores.macro_f1,
    "polar_f1": lambda scores: scores.polar_f1,
    "accuracy": lambda scores: scores.accuracy,
    "balanced_accuracy": lambda scores: scores.balanced_accuracy,
    "reliability_sensitivity_f": lambda scores: reliability(scores.confusion).f,
}
TITLES = {
    "macro_recall": "macro-recall",
    "macro_f1": "macro-F1",
    "polar_f1": "F1 of negative and positive",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "reliability_sensitivity_f": "F of reliability and sensitivity",
}
