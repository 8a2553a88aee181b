"""Ends of the validity of certificates, so that an alert can name one before it expires.

A file is read once, when its certificate comes into use: a renewed file does not help until the service is restarted.
"""

import logging
import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import Gauge

from stream.settings import Settings

logger = logging.getLogger(__name__)

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME = 0xA0, 0x17
_LONG_LENGTH = 0x80
_FIRST_YEAR_OF_THE_1900S = 50
"""RFC 5280, 4.1.2.5.1: a year of two digits from 50 on is of the last century."""


def export_certificates(settings: Settings, expiry: Gauge) -> None:
    """Export the ends of the validity of the certificates that the settings name.

    Args:
        settings: All settings.
        expiry: Receives them, as Unix time, with the certificate's use as its label. A chain ends with the first of its
            certificates, and a file of authorities, which can have old and new ones, with the last.
    """
    ends = {"http": (settings.http.certificate_file, min), "client": (settings.broker.certificate_file, min)}
    for use, (file, which) in (ends | {"authority": (settings.broker.ca_file, max)}).items():
        if file is None:
            continue
        try:
            seconds = which(expiry_seconds(file.read_text(encoding="ascii", errors="replace")))
        except (OSError, ValueError) as error:
            # A file that cannot be used is reported by the part that uses it.
            logger.debug("the end of the validity of %s is unknown: %s", file, error)
        else:
            expiry.labels(use).set(seconds)


def expiry_seconds(pem: str) -> list[float]:
    """Return the end of the validity of each certificate of a PEM file, Unix time in seconds.

    Raises:
        ValueError: It has no certificate, or one that is damaged.
    """
    found = [_not_after(ssl.PEM_cert_to_DER_cert(block)) for block in _PEM.findall(pem)]
    if not found:
        raise ValueError("it has no certificate")
    return found


def _not_after(certificate: bytes) -> float:
    """Read the second time of the validity, which follows version, serial number, algorithm and issuer (RFC 5280)."""
    try:
        signed = next(_elements(next(_elements(certificate))[1]))[1]
        fields = [content for tag, content in _elements(signed) if tag != _VERSION]
        _, (tag, content) = _elements(fields[3])
        text = content.decode("ascii")
    except (IndexError, StopIteration) as error:
        raise ValueError("a certificate is damaged") from error
    if tag == _UTC_TIME:
        text = f"{'19' if int(text[:2]) >= _FIRST_YEAR_OF_THE_1900S else '20'}{text}"
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each element of a sequence (DER)."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & _LONG_LENGTH:
            size = length & ~_LONG_LENGTH
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if at + length > len(data):
            raise ValueError("a certificate is cut")
        yield tag, data[at : at + length]
        at += length
