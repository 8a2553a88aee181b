"""Tweets in several languages, with one model and with two."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.errors import BundleError
from stream.labelling.batch_queue import QueuedTweet
from stream.labelling.model_swap import ModelSwapper
from stream.labelling.pipeline import LabellingPipeline
from stream.labelling.route import route_model, route_swapper
from stream.languages.policy import make_policy
from stream.settings import LanguageSettings, LimitSettings, ModelSettings, Settings, load_settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.tweets.rejections import Reason, RejectedTweetError
from tests.unit.labelling.labels import only_label
from tests.unit.tiny_bundle import write_bundle
from tests.unit.waiting import until


class Bench:
    """A pipeline with a model, and with a second one if the settings name it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.health = Health(60)
        self.labelling = LabellingPipeline(LimitSettings(), self.metrics)
        self.labelling.use_languages(make_policy(settings.languages))
        self.swapper = ModelSwapper(settings, self.labelling.use, self.metrics, self.health)
        self.route = route_swapper(settings, self.labelling, self.metrics, self.health)

    async def label(self, lang: str | None, text: str = "lovely") -> dict[str, Any]:
        tweet = orjson.dumps({"id": "7", "text": text, "lang": lang})
        label: dict[str, Any] = orjson.loads(await only_label(self.labelling, tweet))
        return label

    async def labelled_by(self, lang: str | None) -> str:
        return str((await self.label(lang))["model"]["name"])

    def value(self, sample: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(sample, labels)


@asynccontextmanager
async def running(path: Path, **languages: Any) -> AsyncIterator[Bench]:
    languages = {"identify": "never", **languages}
    settings = load_settings(overrides={"model": {"path": path, "interpreters": 1}, "languages": languages})
    bench = Bench(settings)
    route = await bench.route.load(lambda: False) if settings.languages.route_to else None
    async with bench.swapper.running(await bench.swapper.load(lambda: False)), bench.route.running(route):
        yield bench


@pytest.fixture
def english(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "english", {"name": "english", "languages": ["en"]})


@pytest.fixture
def romance(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "romance", {"name": "romance", "languages": ["en", "fr", "es"]})


@pytest.fixture
def unlisted(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "unlisted", {"name": "unlisted"})


async def test_a_tweet_in_another_language_is_labelled_flagged_and_counted(english: Path) -> None:
    async with running(english) as bench:
        label = await bench.label("fr-CA")
        assert (label["lang"], label["lang_source"], label["language_supported"]) == ("fr-CA", "publisher", False)
        assert (await bench.label("en"))["language_supported"] is True
        assert "language_supported" not in await bench.label(None)
        counts = {
            code: bench.value("starling_language_labels_total", language=code, polarity="positive")
            for code in ("en", "other", "unknown", "fr")
        }
    assert counts == {"en": 1, "other": 1, "unknown": 1, "fr": None}


async def test_counters_of_languages_exist_from_the_start_and_follow_the_model(english: Path, romance: Path) -> None:
    async with running(english) as bench:
        assert bench.value("starling_language_labels_total", language="en", polarity="neutral") == 0
        bench.swapper.request(bench.settings.model.model_copy(update={"path": romance}))
        await until(lambda: bench.value("starling_language_labels_total", language="fr", polarity="neutral") == 0)
        bench.swapper.request(bench.settings.model)
        await until(lambda: bench.value("starling_language_labels_total", language="fr", polarity="neutral") is None)


async def test_a_tweet_in_another_language_is_rejected_before_it_is_tokenised(english: Path) -> None:
    async with running(english, policy="reject") as bench:
        with pytest.raises(RejectedTweetError) as caught:
            await bench.label("fr")
        assert (caught.value.reason, caught.value.tweet_id) == (Reason.OTHER_LANGUAGE, "7")
        assert bench.value("starling_tweet_tokens_count") == 0
        assert await bench.labelled_by("en") == "english"


async def test_each_tweet_is_labelled_by_the_model_that_labels_its_language(english: Path, romance: Path) -> None:
    async with running(english, policy="route", route_to=romance) as bench:
        languages = ["en", "fr", None, "de", "es-MX", "xx-invalid-tag-of-no-language"]
        found = await asyncio.gather(*map(bench.label, languages))
        shown = [(each["model"]["name"], each.get("language_supported")) for each in found]
        assert bench.value("starling_model_info", **found[0]["model"]) == 1
        assert bench.value("starling_route_model_info", **found[1]["model"]) == 1
    assert shown == [
        ("english", True),
        ("romance", True),
        ("english", None),
        ("english", False),
        ("romance", True),
        ("english", False),
    ]


def test_the_routed_model_has_the_usual_ones_settings_without_its_cascade(romance: Path) -> None:
    usual = ModelSettings(cascade=Path("first"), cascade_threshold=0.7, interpreters=3)
    routed = route_model(usual, LanguageSettings(policy="route", route_to=romance))
    assert routed == ModelSettings(path=romance, interpreters=3)
    assert route_model(usual, LanguageSettings()) is None


async def test_tweets_of_both_models_are_counted_as_waiting(english: Path, romance: Path) -> None:
    async with running(english, policy="route", route_to=romance) as bench:
        for engine in bench.labelling.engines:
            engine.batcher.queue.put(4, QueuedTweet([2, 3], asyncio.get_running_loop().create_future()))
        assert bench.value("starling_batcher_waiting") == 2
        assert (bench.value("starling_batcher_oldest_wait_seconds") or 0) > 0


async def test_both_models_are_swapped_independently(english: Path, romance: Path, tmp_path: Path) -> None:
    other = write_bundle(tmp_path / "other", {"name": "other", "languages": ["fr"]})
    async with running(english, policy="route", route_to=romance) as bench:
        bench.route.request(bench.settings.model.model_copy(update={"path": other}))
        await until(lambda: bench.value("starling_model_swaps_total", result="swapped") == 1)
        assert [await bench.labelled_by(lang) for lang in ("en", "fr", "es")] == ["english", "other", "english"]


async def test_a_bundle_without_languages_is_refused_for_a_route(english: Path, romance: Path, unlisted: Path) -> None:
    with pytest.raises(BundleError, match=r"unlisted.*does not list its `languages`.*languages\.route_to"):
        async with running(english, policy="route", route_to=unlisted):
            pass
    async with running(english, policy="route", route_to=romance) as bench:
        bench.route.request(bench.settings.model.model_copy(update={"path": unlisted}))
        await until(lambda: bench.value("starling_model_swaps_total", result="refused") == 1)
        assert await bench.labelled_by("fr") == "romance"


async def test_a_route_can_begin_and_end_while_tweets_are_labelled(english: Path, romance: Path) -> None:
    async with running(english) as bench:
        assert await bench.labelled_by("fr") == "english"
        languages = LanguageSettings(policy="route", route_to=romance, identify="never", unrouted="reject")
        bench.labelling.use_languages(make_policy(languages))
        assert (await bench.label("fr"))["language_supported"] is False  # its model is not there yet
        bench.route.request(route_model(bench.settings.model, languages))
        await until(lambda: len(bench.labelling.engines) == 2)
        assert await bench.labelled_by("fr") == "romance"
        bench.labelling.use_languages(make_policy(bench.settings.languages))
        bench.route.request(None)
        await until(lambda: len(bench.labelling.engines) == 1)
        assert await bench.labelled_by("fr") == "english"


@pytest.mark.parametrize(
    ("bundle", "languages", "says"),
    [
        ("english", {}, "languages: the model labels en; tweets in other languages: flag"),
        ("unlisted", {}, "languages: off: the bundle does not list its languages"),
        ("unlisted", {"known": ["en"]}, "languages: the model labels en; tweets in other languages: flag"),
        ("english", {"policy": "off"}, None),
    ],
)
async def test_the_policy_is_logged_with_the_model(
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
    bundle: str,
    languages: dict[str, Any],
    says: str | None,
) -> None:
    with caplog.at_level(logging.INFO):
        async with running(request.getfixturevalue(bundle), **languages):
            pass
    found = [message for message in caplog.messages if message.startswith("languages: ")]
    assert [message[: len(says or "")] for message in found] == ([says] if says else [])


async def test_without_a_list_of_languages_labels_are_as_before(unlisted: Path) -> None:
    async with running(unlisted, policy="reject") as bench:
        label = await bench.label("fr")
        assert label["lang"] == "fr"
        assert "language_supported" not in label
        assert bench.value("starling_language_labels_total", language="other", polarity="positive") == 0
