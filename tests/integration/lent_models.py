"""Shipped models that are loaded once in a process, and lent to one service of the tests after another."""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextvars import ContextVar
from unittest.mock import patch

from stream.labelling import model_swap
from stream.model.bundle import SHIPPED, find_bundle
from stream.model.loading import Model, load_model
from stream.settings import ModelSettings

_lent: ContextVar[list[tuple[str, Model]]] = ContextVar("lent")
_idle: dict[str, list[Model]] = defaultdict(list)
_lock = threading.Lock()


@contextlib.contextmanager
def lent_models() -> Iterator[None]:
    """Let the services of this context use models that earlier ones have loaded; two never have the same at once."""
    lent: list[tuple[str, Model]] = []
    _lent.set(lent)
    # A test may have replaced the function before.
    is_real = vars(model_swap)["load_model"] is load_model
    with patch.object(model_swap, "load_model", _lend) if is_real else contextlib.nullcontext():
        yield
    with _lock:
        for key, model in lent:
            _idle[key].append(model)


def _lend(settings: ModelSettings) -> Model:
    if not _is_shipped(settings) or (lent := _lent.get(None)) is None:
        return load_model(settings)
    key = settings.model_dump_json()
    with _lock:
        model = _idle[key].pop() if _idle[key] else None
    model = model or load_model(settings)
    lent.append((key, model))
    return model


def _is_shipped(settings: ModelSettings) -> bool:
    return all(path is None or find_bundle(path).parent == SHIPPED for path in (settings.path, settings.cascade))
