"""A release on an ARM machine, from the boot to its removal; each test goes on where the one before it ended."""

import asyncio
import base64
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from stream.tweets.polarity import POLARITIES
from tests.arm_system.conftest import NODE, System, labels_here
from tests.arm_system.load import load, sample_tweets
from tests.arm_system.machine import Machine
from tests.fleet.playbooks import SECRETS
from tests.fleet.remains import REMAINS
from tests.fleet.wheels import GOOD, altered_wheel

TWEETS = 100
TWEETS_FOR_THE_KILL = 40
LABELLED_BEFORE_THE_KILL = 10
TOLERANCE = 0.02
"""Largest difference of a probability; kernels of two processors round differently."""
_KERNELS = """
from pathlib import Path
from ai_edge_litert.interpreter import Interpreter
import stream
Interpreter(str(Path(stream.__file__).parent / "models/default/model.tflite")).allocate_tensors()
"""
"""Creates the interpreter without the service's code, which keeps LiteRT's notice out of the journal."""


def test_systemd_starts_on_the_arm_processor_of_a_raspberry_pi_4(machine: Machine) -> None:
    assert machine.run("uname -m; cat /proc/1/comm").split() == ["aarch64", "systemd"]
    assert "CPU part\t: 0xd08" in machine.run("cat /proc/cpuinfo")


def test_the_playbook_installs_the_service(system: System) -> None:
    assert system.installed.failed == set()
    assert system.release().startswith("/opt/starling/releases/")


def test_systemd_runs_the_service_and_watches_it(system: System) -> None:
    shown = system.shown("ActiveState", "SubState", "Type", "StatusText", "WatchdogUSec", "NRestarts", "User")

    assert shown == {
        "ActiveState": "active",
        "SubState": "running",
        "Type": "notify",
        "StatusText": "ready",
        "WatchdogUSec": "30s",
        "NRestarts": "0",
        "User": "starling",
    }


def test_the_service_has_no_rights_outside_its_sandbox(system: System) -> None:
    pid = system.shown("MainPID")["MainPID"]
    lines = system.machine.run(f"cat /proc/{pid}/status").splitlines()
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    mounts = [line.split() for line in system.machine.run(f"cat /proc/{pid}/mounts").splitlines()]
    root = next(options for _, folder, _, options, *_ in mounts if folder == "/")

    assert (status["Seccomp"], status["NoNewPrivs"], int(status["CapBnd"], 16)) == ("2", "1", 0)
    assert root.split(",")[0] == "ro"


def test_the_fast_kernels_are_in_use_in_the_sandbox(system: System) -> None:
    run = system.machine.run
    unit, program = "/run/systemd/system/kernels.service", "/opt/starling/kernels.py"
    run(f"cat > {program} <<END\n{_KERNELS}END\n")
    # The service's own unit with another program.
    run(
        f"sed -e 's|^ExecStart=.*|ExecStart=/opt/starling/current/bin/python {program}|' -e 's/^Type=.*/Type=oneshot/' "
        f"-e '/^Restart/d' -e '/^WatchdogSec/d' /etc/systemd/system/starling.service > {unit}"
    )
    try:
        run("systemctl daemon-reload && systemctl start kernels", check=False)
        said = run("journalctl --unit kernels --no-pager")
    finally:
        run(f"rm {unit} {program}; systemctl daemon-reload")

    assert "Created TensorFlow Lite XNNPACK delegate" in said


async def test_no_sample_tweet_is_lost_and_their_labels_are_those_of_this_machine(system: System) -> None:
    tweets = sample_tweets(0, TWEETS)
    here = {label["id"]: label for label in labels_here(tweets)}

    async with load(system.broker.port) as counted:
        await counted.send(tweets)
        await counted.until_all_answered()
    there = counted.labels

    assert (counted.lost, counted.rejected, there.keys()) == (set(), set(), here.keys())
    assert {label["node"] for label in there.values()} == {NODE}
    assert [there[tweet]["polarity"] for tweet in here] == [here[tweet]["polarity"] for tweet in here]
    assert max(_difference(here[tweet], there[tweet]) for tweet in here) < TOLERANCE


def test_the_metrics_count_the_tweets(system: System) -> None:
    login = base64.b64encode(f"prometheus:{SECRETS['metrics']}".encode()).decode()
    address = f"http://127.0.0.1:{system.machine.http_port}/metrics"
    request = urllib.request.Request(address, headers={"Authorization": f"Basic {login}"})
    with urllib.request.urlopen(request) as answer:  # noqa: S310  (an http address)
        families = list(text_string_to_metric_families(answer.read().decode()))
    counted = sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "starling_tweets_classified_total"
    )

    assert counted >= TWEETS


async def test_no_tweet_is_lost_when_the_service_is_killed(system: System) -> None:
    async with load(system.broker.port) as counted:
        await counted.send(sample_tweets(TWEETS, TWEETS_FOR_THE_KILL))
        await counted.until_labelled(LABELLED_BEFORE_THE_KILL)
        await asyncio.to_thread(system.machine.run, "systemctl kill --signal KILL starling")
        await counted.until_all_answered()

    assert counted.lost == set()
    assert system.shown("NRestarts", "ActiveState") == {"NRestarts": "1", "ActiveState": "active"}


async def test_a_second_release_is_rolled_out_and_back_and_no_tweet_is_lost(
    system: System, wheel: Path, tmp_path: Path
) -> None:
    first = system.release()
    release = str(altered_wheel(wheel, tmp_path / "altered", GOOD))

    async with load(system.broker.port) as counted, counted.sending():
        out = await asyncio.to_thread(system.playbooks.run, "rollout.yml", starling_wheel=release)
        assert out.exit_code == 0, out.output[-4000:]
        second = await asyncio.to_thread(system.release)
        back = await asyncio.to_thread(system.playbooks.run, "rollback.yml")
        assert back.exit_code == 0, back.output[-4000:]

    assert second != first
    assert system.release() == first
    assert (counted.lost, counted.rejected) == (set(), set())


def test_nothing_of_the_service_remains_after_its_removal(system: System) -> None:
    outcome = system.playbooks.run("uninstall.yml")

    assert outcome.exit_code == 0, outcome.output[-4000:]
    assert system.machine.run(REMAINS, check=False) == ""


def _difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    return max(abs(float(one["probabilities"][name]) - float(other["probabilities"][name])) for name in POLARITIES)
