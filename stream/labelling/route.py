"""The model that tweets in other languages are routed to."""

from stream.errors import BundleError
from stream.labelling.model_swap import ModelSwapper
from stream.labelling.pipeline import LabellingPipeline
from stream.model.loading import Model
from stream.settings import LanguageSettings, ModelSettings, Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics


def route_swapper(settings: Settings, labelling: LabellingPipeline, metrics: Metrics, health: Health) -> ModelSwapper:
    """Make the swapper of the model that tweets in other languages are routed to."""
    model = route_model(settings.model, settings.languages) or settings.model
    settings = settings.model_copy(update={"model": model})
    return ModelSwapper(settings, labelling.use_route, metrics, health, check=check_lists_languages)


def route_model(model: ModelSettings, languages: LanguageSettings) -> ModelSettings | None:
    """Return the settings of that model: the usual model's with another path; None where nothing is routed."""
    if languages.route_to is None:
        return None
    return model.model_copy(update={"path": languages.route_to, "cascade": None, "cascade_threshold": None})


def check_lists_languages(model: Model) -> None:
    """Check that tweets can be routed to a model.

    Raises:
        BundleError: Its bundle does not list its languages.
    """
    if not model.languages:
        raise BundleError(
            f"nothing can be routed to the model bundle at {model.bundle.path}, because its model.json does not list "
            "its `languages`: name another bundle with languages.route_to"
        )
