"""The name of the installed release in the metrics."""

from pathlib import Path

from prometheus_client import generate_latest

from stream import __version__
from stream.telemetry.metrics import Metrics, installed_release


def test_two_builds_of_a_version_have_different_names_if_they_were_rolled_out(tmp_path: Path) -> None:
    releases = [tmp_path / "releases" / f"0.2.0-{build}-python3.11" for build in ("1a2b3c4d", "5e6f7a8b")]
    current = tmp_path / "current"
    names = []
    for release in releases:
        release.mkdir(parents=True)
        current.unlink(missing_ok=True)
        current.symlink_to(release)
        names.append(installed_release(str(current)))

    assert names == ["0.2.0-1a2b3c4d-python3.11", "0.2.0-5e6f7a8b-python3.11"]


def test_another_installation_is_named_by_its_version(tmp_path: Path) -> None:
    assert installed_release(str(tmp_path)) == __version__


def test_the_metrics_name_the_release() -> None:
    assert (
        f'starling_build_info{{release="{installed_release()}",version="{__version__}"}} 1.0'
        in generate_latest(Metrics().registry).decode()
    )
