"""The exported ends of the validity of certificates."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from prometheus_client import CollectorRegistry

from stream.settings import Settings
from stream.telemetry.certificates import expiry_seconds, export_certificates
from stream.telemetry.metrics import Metrics

LAST_SHORT, FIRST_LONG = datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)
"""Ends around the year from which certificates write four digits of the year."""
SOON, LATER = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC), datetime(2039, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def pem(authority: trustme.CA, *ends: datetime) -> str:
    """Issue a certificate for each end; returns them as one file."""
    issued = [authority.issue_cert("pi-kitchen", not_after=end).cert_chain_pems[0] for end in ends]
    return "".join(each.bytes().decode() for each in issued)


@pytest.mark.parametrize("end", [SOON, LAST_SHORT, FIRST_LONG])
def test_the_end_of_a_certificate_is_read(authority: trustme.CA, end: datetime) -> None:
    assert expiry_seconds(pem(authority, end)) == [end.timestamp()]


def test_the_end_of_an_authority_is_what_cryptography_reads(authority: trustme.CA) -> None:
    content = authority.cert_pem.bytes()
    expected = x509.load_pem_x509_certificate(content).not_valid_after_utc.timestamp()
    assert expiry_seconds(content.decode()) == [expected]


def test_every_certificate_of_a_file_is_read_and_texts_between_them_are_ignored(authority: trustme.CA) -> None:
    content = f"Bag Attributes\n{pem(authority, SOON)}\n# the next one\n{pem(authority, LATER)}"
    assert expiry_seconds(content) == [SOON.timestamp(), LATER.timestamp()]


@pytest.mark.parametrize("kept", [40, 100, 200, 300])
def test_a_damaged_certificate_is_an_error(authority: trustme.CA, kept: int) -> None:
    lines = pem(authority, SOON).splitlines()
    body = "".join(lines[1:-1])[: kept // 4 * 4]
    with pytest.raises(ValueError, match="certificate"):
        expiry_seconds("\n".join([lines[0], body, lines[-1]]))


def test_a_file_without_a_certificate_is_an_error() -> None:
    with pytest.raises(ValueError, match="it has no certificate"):
        expiry_seconds("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")


def exported(settings: Settings) -> CollectorRegistry:
    metrics = Metrics()
    export_certificates(settings, metrics.certificate_expiry)
    return metrics.registry


def end_of(registry: CollectorRegistry, use: str) -> float | None:
    return registry.get_sample_value("starling_certificate_expiry_timestamp_seconds", {"certificate": use})


def test_a_chain_ends_with_its_first_certificate_and_authorities_with_the_last(
    authority: trustme.CA, tmp_path: Path
) -> None:
    files = {name: tmp_path / f"{name}.pem" for name in ("http", "client", "authorities")}
    for file in files.values():
        file.write_text(pem(authority, LATER, SOON))
    settings = Settings(
        http={"certificate_file": files["http"], "key_file": tmp_path / "key"},
        broker={
            "tls": True,
            "ca_file": files["authorities"],
            "certificate_file": files["client"],
            "key_file": tmp_path / "key",
        },
    )
    registry = exported(settings)
    ends = [end_of(registry, use) for use in ("http", "client", "authority")]
    assert ends == [SOON.timestamp(), SOON.timestamp(), LATER.timestamp()]


def test_a_node_without_certificates_exports_none() -> None:
    registry = exported(Settings())
    assert [end_of(registry, use) for use in ("http", "client", "authority", "broker")] == [None] * 4


@pytest.mark.parametrize("content", [None, "nonsense"])
def test_a_file_that_cannot_be_read_is_left_to_the_part_that_uses_it(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "http.pem"
    if content is not None:
        file.write_text(content)
    assert end_of(exported(Settings(http={"certificate_file": file, "key_file": file})), "http") is None
