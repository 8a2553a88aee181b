"""A model at work, and its replacement by another without losing a tweet or making one wait."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from stream.errors import BundleError
from stream.labelling.batcher import Batcher
from stream.labelling.engine import Engine
from stream.labelling.pipeline import LabellingPipeline
from stream.model.bundle import find_bundle
from stream.model.loading import Model, load_model
from stream.settings import ModelSettings, Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.tweets.labels import LabelEncoder

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0
"""How often the bundle's path is looked at: a link that leads elsewhere means another model."""


class ModelSwapper:
    """Runs the engine that labels; when another model is wanted, loads it beside the old one and swaps them.

    Tweets that were read for the old model are classified by it, and then it is closed. A model that cannot be used is
    refused, and the old one stays.

    Args:
        settings: All of them: the model's, and what labels say.
        labelling: What uses the engine.
        metrics: Where swaps are counted.
        health: What is told of inferences that do not end.
    """

    def __init__(self, settings: Settings, labelling: LabellingPipeline, metrics: Metrics, health: Health) -> None:
        self._settings = settings
        self._labelling = labelling
        self._metrics = metrics
        self._health = health
        self._tasks = asyncio.TaskGroup()
        self._retire = asyncio.Event()
        self._folder = _folder(settings.model)
        self._requests: asyncio.Queue[ModelSettings] = asyncio.Queue()

    def request(self, settings: ModelSettings) -> None:
        """Ask for the model that these settings name, also if it lies where the present one lay."""
        self._requests.put_nowait(settings)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load the first model, and serve wishes for others as long as the context lasts.

        Raises:
            BundleError: The first model cannot be used.
        """
        model = await asyncio.to_thread(load_model, self._settings.model)
        async with self._tasks:
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
            settings = await self._requests.get()
            folder = _folder(settings)
            try:
                model = await asyncio.to_thread(load_model, settings)
            except BundleError as error:
                self._metrics.model_swaps.labels("refused").inc()
                logger.error("the old model stays: %s", error)  # noqa: TRY400  (the sentence says it all)
                continue
            self._settings = self._settings.model_copy(update={"model": settings})
            self._folder = folder
            await self._use(model)
            self._metrics.model_swaps.labels("swapped").inc()
            manifest = model.bundle.manifest
            logger.info("labelling with %s (%s, sha256 %.12s)", manifest.name, manifest.precision, model.bundle.sha256)

    async def _watch_path(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if (folder := _folder(self._settings.model)) != self._folder:
                self._folder = folder
                self.request(self._settings.model)

    async def _use(self, model: Model) -> None:
        started: asyncio.Future[Engine] = asyncio.get_running_loop().create_future()
        retire = asyncio.Event()
        name = f"engine-{model.bundle.sha256[:12]}"
        self._tasks.create_task(self._run(model, started, retire), name=name)
        self._labelling.use(await started)
        self._retire.set()
        self._retire = retire

    async def _run(self, model: Model, started: asyncio.Future[Engine], retire: asyncio.Event) -> None:
        async with Batcher(model.classifiers, self._settings.model.max_batch, self._metrics) as batcher:
            include_text = self._settings.labels.include_text
            encoder = LabelEncoder(self._settings.node, model.bundle.identity, include_text=include_text)
            engine = Engine(model, batcher, encoder, self._settings.model.repeats, self._metrics)
            with self._health.watching(batcher.longest_inference_seconds):
                started.set_result(engine)
                await retire.wait()
                await engine.idle()


def _folder(settings: ModelSettings) -> Path:
    """Where the bundle lies, links followed."""
    return find_bundle(settings.path).resolve()
