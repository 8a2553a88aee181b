import re
from collections.abc import Iterator

import pytest
from prometheus_client import Metric, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from stream import __version__
from stream.model.bundle import Manifest
from stream.telemetry.metrics import Metrics
from stream.tweets.rejections import Reason
from tests.unit.tiny_bundle import manifest_json

MANIFEST = Manifest.model_validate(manifest_json())
BASE_UNITS = ("seconds", "bytes", "ratio", "celsius", "hertz", "volts", "amperes", "watts", "joules", "total", "info")
OTHER_UNITS = re.compile(r"milli|micro|nano|kilo|mega|giga|percent|minutes|hours|_(ms|us|kb|mb|mhz)\b")


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics()
    metrics.resources.read()
    metrics.set_model(MANIFEST.identity)
    return metrics


@pytest.fixture
def families(metrics: Metrics) -> list[Metric]:
    """The parsed result of a scrape."""
    return list(parse(generate_latest(metrics.registry).decode()))


def own(families: list[Metric]) -> Iterator[Metric]:
    """Yield Starling's metrics, without the creation times that the client library adds."""
    return (
        family for family in families if family.name.startswith("starling_") and not family.name.endswith("_created")
    )


def values_by(families: list[Metric], sample_name: str, label: str) -> dict[str, float]:
    samples = (sample for family in families for sample in family.samples)
    return {sample.labels[label]: sample.value for sample in samples if sample.name == sample_name}


def test_a_scrape_can_be_parsed(families: list[Metric]) -> None:
    assert len(list(own(families))) >= 20


def test_a_scrape_in_openmetrics_can_be_parsed(metrics: Metrics) -> None:
    text = generate_openmetrics(metrics.registry).decode()  # type: ignore[no-untyped-call]
    names = {family.name for family in parse_openmetrics(text)}  # type: ignore[no-untyped-call]
    assert {"starling_tweets_received", "starling_stage_seconds", "starling_model"} <= names


def test_all_names_are_our_own_or_the_client_librarys(families: list[Metric]) -> None:
    assert {family.name.split("_")[0] for family in families} == {"starling", "process", "python"}


def test_names_are_lower_case_words(families: list[Metric]) -> None:
    assert [family.name for family in own(families) if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", family.name)] == []


def test_every_metric_is_described_in_a_sentence(families: list[Metric]) -> None:
    assert [family.name for family in own(families) if not re.fullmatch(r"[A-Z1].*\.", family.documentation)] == []


def test_only_counters_end_in_total(families: list[Metric]) -> None:
    for family in own(families):
        ends = {sample.name.endswith("_total") for sample in family.samples}
        assert ends == {family.type == "counter"} or not family.samples, family.name


def test_units_are_base_units_at_the_names_end(families: list[Metric]) -> None:
    for family in own(families):
        assert not OTHER_UNITS.search(family.name), family.name
        units = set(BASE_UNITS) & set(family.name.removesuffix("_total").split("_"))
        assert all(family.name.removesuffix("_total").endswith(unit) for unit in units), family.name


def test_ratios_are_from_0_to_1(metrics: Metrics) -> None:
    (family,) = metrics.confidence.collect()
    bounds = sorted(float(sample.labels["le"]) for sample in family.samples if sample.name.endswith("_bucket"))
    assert 0 < bounds[0] <= bounds[-2] == 1


def test_no_label_could_grow_without_bound(families: list[Metric]) -> None:
    labels = {label for family in own(families) for sample in family.samples for label in sample.labels}
    assert labels == {
        *("polarity", "reason", "stage", "mode", "state", "result", "le"),
        "model",  # of a cascade: first or second
        *("name", "precision", "sha256", "version", "release"),
    } | (labels & {"sensor"})


@pytest.mark.parametrize(
    ("sample", "label", "known"),
    [
        ("starling_tweets_classified_total", "polarity", {"negative", "neutral", "positive"}),
        ("starling_tweets_rejected_total", "reason", set(map(str, Reason))),
        ("starling_model_swaps_total", "result", {"swapped", "refused"}),
        ("starling_batches_total", "reason", {"emptied", "shared", "full"}),
        ("starling_stage_seconds_count", "stage", {"decode", "queue", "inference", "publish"}),
    ],
)
def test_every_known_label_is_there_from_the_start_with_0(
    families: list[Metric], sample: str, label: str, known: set[str]
) -> None:
    assert values_by(families, sample, label) == dict.fromkeys(known, 0.0)


def test_the_model_is_exported_with_name_precision_and_hash(metrics: Metrics) -> None:
    labels = {"name": "tiny", "precision": "float32", "sha256": "0" * 64}
    assert metrics.registry.get_sample_value("starling_model_info", labels) == 1


def test_a_new_model_takes_the_place_of_the_old_one(metrics: Metrics) -> None:
    metrics.set_model(Manifest.model_validate(manifest_json(name="other")).identity)
    families = list(parse(generate_latest(metrics.registry).decode()))
    assert values_by(families, "starling_model_info", "name") == {"other": 1}


def test_the_version_is_exported(families: list[Metric]) -> None:
    assert values_by(families, "starling_build_info", "version") == {__version__: 1}


def test_two_services_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.received.inc()
    assert one.registry.get_sample_value("starling_tweets_received_total") == 1
    assert other.registry.get_sample_value("starling_tweets_received_total") == 0
