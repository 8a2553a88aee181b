"""The service; the only module that knows all of its parts."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from stream.errors import BundleError, ungrouped
from stream.home_assistant.announce import announce_to_home_assistant
from stream.labelling.model_swap import ModelSwapper
from stream.labelling.pipeline import LabellingPipeline
from stream.labelling.route import route_model, route_swapper
from stream.languages.policy import make_policy
from stream.model.loading import Model
from stream.power.service import measure_power
from stream.session.broker_statistics import collect_broker_statistics
from stream.session.node_session import NodeSession
from stream.settings import DecisionSettings, EntitySettings, LanguageSettings, ModelSettings, Settings
from stream.telemetry.certificates import export_certificates
from stream.telemetry.health import Health
from stream.telemetry.loop_lag import measure_loop_lag
from stream.telemetry.metrics import Metrics
from stream.telemetry.systemd import report_to_systemd
from stream.web.page.routes import page_routes
from stream.web.page.status import NodeStatus
from stream.web.server import serve_http

logger = logging.getLogger(__name__)


class Service:
    """A node's service, which labels tweets until it is stopped.

    Args:
        settings: The node's settings.
        on_listening: Called with the HTTP server's address as soon as it listens.

    Raises:
        SettingsError: Languages are to be identified, and that is not possible.
    """

    def __init__(self, settings: Settings, on_listening: Callable[[str], None] | None = None) -> None:
        self._settings = settings
        self._on_listening = on_listening
        self._stop = asyncio.Event()
        self._metrics = Metrics()
        self._health = Health(settings.limits.stuck_seconds)
        self._metrics.ready.set_function(lambda: not self._health.missing())
        self._metrics.window.set(settings.broker.receive_maximum)
        self._status = NodeStatus(settings, self._metrics, self._health)
        self._labelling = LabellingPipeline(settings.limits, self._metrics)
        self._labelling.entities.use(settings.entities)
        self._labelling.use_languages(make_policy(settings.languages))
        self._swapper = ModelSwapper(settings, self._labelling.use, self._metrics, self._health)
        self._routes = settings.languages.route_to is not None
        self._route = route_swapper(settings, self._labelling, self._metrics, self._health)

    def stop(self) -> None:
        """Make `run` finish the tweets in progress and return."""
        self._stop.set()

    def use_model(self, settings: ModelSettings, decision: DecisionSettings | None = None) -> None:
        """Load another model; the current one serves until then, and longer if the new one cannot be used.

        Args:
            settings: Settings of the model.
            decision: Settings of the decision, which come into force with the model; None: they stay as they are.
        """
        self._swapper.request(settings, decision)

    def use_entities(self, entities: Sequence[EntitySettings]) -> None:
        """List these entities in place of the current ones; for the tweets that arrive from now on."""
        self._labelling.entities.use(entities)

    def use_languages(self, languages: LanguageSettings, model: ModelSettings, decision: DecisionSettings) -> None:
        """Apply other settings about languages, and load the model again that other languages are routed to.

        Args:
            languages: The settings about languages.
            model: Settings of the usual model; the other one has the same except for the path.
            decision: Settings of the decision.

        Raises:
            SettingsError: Languages are to be identified, and that is not possible; nothing is changed.
        """
        self._labelling.use_languages(make_policy(languages))
        route = route_model(model, languages)
        if route is not None or self._routes:
            self._route.request(route, decision)
        self._routes = route is not None

    async def _load_model(self, swapper: ModelSwapper) -> Model | None:
        """Load the first model; None if the service is stopped while it waits for the model."""
        try:
            return await swapper.load(self._stop.is_set)
        except BundleError:
            if self._stop.is_set():
                return None
            raise

    async def run(self) -> None:
        """Run until stopped.

        Raises:
            StarlingError: The model cannot be loaded, the broker cannot be reached, or the HTTP address cannot be used.
        """
        loop = asyncio.get_running_loop()
        self._metrics.tasks.set_function(lambda: len(asyncio.all_tasks(loop)))
        with ungrouped():
            pages = page_routes(self._status)
            async with (
                serve_http(self._settings, self._metrics, self._health, pages) as address,
                asyncio.TaskGroup() as tasks,
            ):
                logger.info("metrics at %s/metrics", address)
                if self._on_listening:
                    self._on_listening(address)
                measuring = measure_power(self._settings, self._metrics, self._status.show_power_of)
                announcing = announce_to_home_assistant(self._settings, self._status, self._metrics.resources)
                statistics = collect_broker_statistics(self._settings, self._metrics.registry)
                helpers = [
                    tasks.create_task(measure_loop_lag(self._metrics.loop_lag_seconds), name="loop-lag"),
                    tasks.create_task(report_to_systemd(self._health), name="systemd"),
                    tasks.create_task(measuring, name="power"),
                    tasks.create_task(self._status.history.record(), name="history"),
                    tasks.create_task(statistics, name="broker-statistics"),
                    tasks.create_task(announcing, name="home-assistant"),
                ]
                await asyncio.to_thread(export_certificates, self._settings, self._metrics.certificate_expiry)
                model = await self._load_model(self._swapper)
                route = await self._load_model(self._route) if self._routes else None
                if model is not None:
                    async with self._swapper.running(model), self._route.running(route):
                        self._health.model_loaded = True
                        await NodeSession(self._settings, self._labelling, self._metrics, self._health).run(self._stop)
                for helper in helpers:
                    helper.cancel()
