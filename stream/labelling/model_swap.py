"""The model in service, and its replacement by another one without losing or delaying a tweet."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from stream.errors import BundleError
from stream.labelling.batcher import Batcher
from stream.labelling.engine import Engine
from stream.model.bundle import IncompleteBundleError, find_bundle, seconds_since_change
from stream.model.loading import Model, load_model
from stream.settings import DecisionSettings, ModelSettings, Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.tweets.labels import LabelEncoder

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0
"""Interval at which the bundle's path is checked: a link to another folder means another model."""
_SETTLED_SECONDS = 10.0
"""Time without a change after which no copy of a bundle is in progress any more."""
_COPY_SECONDS = 60.0
"""Longest wait for a bundle that is being copied."""
_RETRY_SECONDS = 1.0


class ModelSwapper:
    """Runs the engine that labels; on request, loads another model beside it and swaps them.

    Tweets that were tokenised for the old model are classified by it, and then it is closed. A model that cannot be
    used is refused, and the old one stays. A bundle that is being copied is tried again until the copy is complete.

    Args:
        settings: All settings: the model's, and those of labels.
        use: Called with each engine that is to label from now on.
        metrics: Counts swaps.
        health: Watches the inferences, and is told of reloads.
        check: Raises a BundleError if a loaded model cannot be used here; None: every model can.
    """

    def __init__(
        self,
        settings: Settings,
        use: Callable[[Engine | None], None],
        metrics: Metrics,
        health: Health,
        *,
        check: Callable[[Model], None] | None = None,
    ) -> None:
        self._check = check
        self._settings = settings
        self._use_engine = use
        self._metrics = metrics
        self._health = health
        self._tasks = asyncio.TaskGroup()
        self._retire = asyncio.Event()
        self._is_used = False
        self._folders = bundle_folders(settings.model)
        self._decision = settings.decision
        self._requests: asyncio.Queue[tuple[ModelSettings | None, DecisionSettings]] = asyncio.Queue()

    def request(self, settings: ModelSettings | None, decision: DecisionSettings | None = None) -> None:
        """Request the model that these settings name, even if it is at the same path as the current one.

        Args:
            settings: Settings of the model; None: no model is wanted any more.
            decision: Settings of the decision, which come into force with the model; None: those of the last request.
        """
        self._health.reloads_requested += 1
        self._decision = decision or self._decision
        self._requests.put_nowait((settings, self._decision))

    async def load(self, given_up: Callable[[], bool]) -> Model:
        """Load the first model.

        Args:
            given_up: Returns whether to stop waiting for a bundle that is being copied.

        Raises:
            BundleError: It cannot be used.
        """
        return await self._load(self._settings.model, given_up)

    async def _load(self, settings: ModelSettings, given_up: Callable[[], bool]) -> Model:
        model = await _load(settings, given_up)
        if self._check is not None:
            self._check(model)
        return model

    @asynccontextmanager
    async def running(self, model: Model | None) -> AsyncIterator[None]:
        """Label with a model, and swap it on request, while the context lasts; None: there is none until a request."""
        async with self._tasks:
            if model is not None:
                await self._use(model)
            helpers = [
                self._tasks.create_task(self._swap_on_request(), name="model-swap"),
                self._tasks.create_task(self._watch_path(), name="model-path"),
            ]
            yield
            for helper in helpers:
                helper.cancel()
            self._retire.set()

    async def _swap_on_request(self) -> None:
        while True:
            settings, decision = await self._requests.get()
            if self._requests.empty():  # else a later request replaces this one
                await (self._end_use() if settings is None else self._swap(settings, decision))
            self._health.reloads_done += 1

    async def _swap(self, settings: ModelSettings, decision: DecisionSettings) -> None:
        folders = await asyncio.to_thread(bundle_folders, settings)
        try:
            model = await self._load(settings, lambda: not self._requests.empty())
        except BundleError as error:
            self._metrics.model_swaps.labels("refused").inc()
            logger.error("the old model stays: %s", error)  # noqa: TRY400  (the message is enough)
            return
        except Exception:  # whatever a model fails with must not end the service, which has another one
            self._metrics.model_swaps.labels("refused").inc()
            logger.exception("the old model stays: %s cannot be loaded", " and ".join(map(str, folders)))
            return
        self._settings = self._settings.model_copy(update={"model": settings, "decision": decision})
        self._folders = folders
        await self._use(model)
        self._metrics.model_swaps.labels("swapped").inc()
        identities = [bundle.identity for bundle in model.bundles]
        named = [f"{each.name} ({each.precision}, sha256 {each.sha256:.12})" for each in identities]
        logger.info("labelling with %s", ", and of what it is unsure ".join(named))

    async def _watch_path(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            current = self._settings.model, self._folders
            folders = await asyncio.to_thread(bundle_folders, self._settings.model)
            is_swapped = current != (self._settings.model, self._folders)  # meanwhile, so that the folders are outdated
            if folders != self._folders and not is_swapped and self._is_used:
                self._folders = folders
                self.request(self._settings.model)

    async def _use(self, model: Model) -> None:
        started: asyncio.Future[Engine] = asyncio.get_running_loop().create_future()
        retire = asyncio.Event()
        name = f"engine-{model.bundle.sha256[:12]}"
        self._tasks.create_task(self._run(model, started, retire), name=name)
        self._use_engine(await started)
        self._retire.set()
        self._retire = retire
        self._is_used = True

    async def _end_use(self) -> None:
        self._is_used = False
        self._use_engine(None)
        self._retire.set()

    async def _run(self, model: Model, started: asyncio.Future[Engine], retire: asyncio.Event) -> None:
        async with Batcher(model.classifiers, self._settings.model.max_batch, self._metrics) as batcher:
            include_text = self._settings.labels.include_text
            encoder = LabelEncoder(self._settings.node, model.bundle.identity, include_text=include_text)
            repeats, decision = self._settings.model.repeats, self._settings.decision
            engine = Engine(model, batcher, encoder, repeats, self._metrics, decision=decision)
            with self._health.watching(batcher.longest_inference_seconds):
                started.set_result(engine)
                await retire.wait()
                await engine.idle()


async def _load(settings: ModelSettings, given_up: Callable[[], bool]) -> Model:
    """Load a model; a bundle whose files do not fit together is tried again while they change.

    Raises:
        BundleError: It cannot be used.
    """
    loop = asyncio.get_running_loop()
    deadline, is_logged = loop.time() + _COPY_SECONDS, False
    while True:
        try:
            return await asyncio.to_thread(load_model, settings)
        except IncompleteBundleError as error:
            unchanged_seconds = min(
                [await asyncio.to_thread(seconds_since_change, path) for path in _bundle_paths(settings)]
            )
            if unchanged_seconds > _SETTLED_SECONDS or given_up():
                raise
            if loop.time() > deadline:
                raise BundleError(f"{error}; its files still change after {_COPY_SECONDS:.0f} s") from error
            if not is_logged:
                logger.warning(
                    "%s; it changed %.0f s ago, so a copy may be in progress: trying again for up to %.0f s",
                    error,
                    unchanged_seconds,
                    _COPY_SECONDS,
                )
                is_logged = True
        await asyncio.sleep(_RETRY_SECONDS)


def bundle_folders(settings: ModelSettings) -> tuple[Path, ...]:
    """Return the bundles' folders with links resolved; a link in a circle or to nowhere is an answer too."""
    return tuple(Path(os.path.realpath(path)) for path in _bundle_paths(settings))


def _bundle_paths(settings: ModelSettings) -> list[Path]:
    """Return the folder of the bundle, and of the first one of a cascade."""
    return [find_bundle(path) for path in (settings.path, *([settings.cascade] if settings.cascade else []))]
