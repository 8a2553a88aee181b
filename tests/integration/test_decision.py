"""The settings of the decision for a polarity, in the running service and in classify."""

import json
from pathlib import Path

import pytest

from stream.free_port import free_port
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, settings_for, write_config
from tests.integration.program import finished, reread, started, until_ready
from tests.unit.tiny_bundle import write_bundle

STRICT = '\n[decision]\nthreshold = 0.99\nbelow_threshold = "reject"\n'


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle")


@pytest.mark.broker
async def test_a_hangup_signal_makes_the_program_read_the_decision_again(
    broker: Mosquitto, bundle: Path, tmp_path: Path
) -> None:
    settings, http_port = settings_for(broker.port, model={"path": bundle}), free_port()
    config = write_config(tmp_path, settings, http_port)
    without = config.read_text()
    async with started("run", "--config", config) as process, probing(settings) as probe:
        await until_ready(http_port)
        await probe.tweet("1", "lovely")
        assert (await probe.label_of("1"))["polarity"] == "positive"
        config.write_text(without + STRICT)
        await reread(process)
        await probe.tweet("2", "lovely")
        await probe.until(lambda: bool(probe.rejections))
        assert (probe.rejections[0]["id"], probe.rejections[0]["reason"]) == ("2", "unsure")
        config.write_text(without + STRICT.replace("0.99", "1.1"))
        await reread(process, "the settings are not changed: decision.threshold")
        await probe.tweet("3", "lovely")
        await probe.until(lambda: len(probe.rejections) > 1)


async def test_classify_decides_by_the_prior_and_the_threshold_of_its_options(bundle: Path) -> None:
    line = b'{"id":"1","text":"lovely"}\n'
    _, out, _ = await finished("classify", "--model", bundle, "--prior", "0.98,0.01,0.01", stdin=line)
    label = json.loads(out)
    assert (label["polarity"], label["decision"]) == ("negative", "prior")
    _, out, _ = await finished("classify", "--model", bundle, "--threshold", "0.99", stdin=line)
    label = json.loads(out)
    assert (label["polarity"], label["decision"]) == ("neutral", "below_threshold")
    options = ("--threshold", "0.99", "--below-threshold", "reject")
    code, out, err = await finished("classify", "--model", bundle, *options, stdin=line)
    assert json.loads(out)["rejected"] == "unsure"
    assert (code, err.splitlines()[0]) == (65, "0 labelled, 1 rejected: 1 unsure")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--prior", "0.5,0.5"], "--prior: write three numbers"),
        (["--prior", "0.5;0.3;0.2"], "write the shares of negative"),
        (["--prior", "1,0,0"], "--prior: each share must be above 0"),
        (["--prior", "nan,0.5,0.5"], "--prior: each share must be above 0"),
        (["--prior", "2,5,3"], "--prior: the shares must sum to 1"),
        (["--threshold", "nan"], "--threshold: Input should be"),
        (["--threshold", "1.5"], "--threshold: Input should be"),
        (["--below-threshold", "reject"], "needs a threshold"),
    ],
)
async def test_classify_explains_wrong_options_of_the_decision(options: list[str], says: str) -> None:
    code, out, err = await finished("classify", *options, stdin=b"")
    assert (code, out) == (2, "")
    assert says in " ".join(err.replace("│", " ").split())
