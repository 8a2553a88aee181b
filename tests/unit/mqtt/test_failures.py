"""The errors of a connection in words."""

import errno
import os
import socket
import ssl
from collections.abc import Callable

import pytest

from stream.errors import BrokerError
from stream.mqtt.failures import (
    connect_advice,
    connect_error,
    describe,
    ended_by_broker,
    refused_connection,
    refused_publication,
    refused_subscription,
)
from stream.mqtt.packets import ConnectAnswer, Disconnection, MalformedPacketError

BROKER = "broker here:1883"
ADDRESS = "check broker.host and broker.port, and that the broker runs"
PORT = "check that broker.port is a port for MQTT, that broker.tls is as the broker wants it, and broker.protocol"
TLS = "check that this port speaks TLS, and broker.certificate_file if it asks for one"
CERTIFICATE = "check broker.ca_file and that broker.host is the name in its certificate"
LOGIN = "check broker.username and broker.password_file"
RULES = "check the broker's access rules for this user"


def tls_error(reason: str | None) -> ssl.SSLError:
    error = ssl.SSLError(1, "a long text of OpenSSL")
    error.reason = reason  # type: ignore[assignment]  # the type's stub knows no errors without a reason
    return error


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "a long text of OpenSSL")
    error.verify_message = "certificate has expired"
    return error


@pytest.mark.parametrize(
    ("error", "text", "advice"),
    [
        (None, "the broker closed the connection", PORT),
        (certificate_error(), "the broker's certificate is not trusted: certificate has expired", CERTIFICATE),
        (tls_error("WRONG_VERSION_NUMBER"), "TLS failed: WRONG_VERSION_NUMBER", TLS),
        (tls_error(None), "TLS failed: a long text of OpenSSL", TLS),
        (socket.gaierror(-2, "Name unknown"), "the name cannot be resolved: Name unknown", ADDRESS),
        (ConnectionRefusedError(errno.ECONNREFUSED, "a long text"), os.strerror(errno.ECONNREFUSED), ADDRESS),
        (ConnectionResetError(errno.ECONNRESET, "a long text"), os.strerror(errno.ECONNRESET), PORT),
        (BrokenPipeError(errno.EPIPE, "a long text"), os.strerror(errno.EPIPE), PORT),
        (MalformedPacketError("the broker sends something else"), "the broker sends something else", PORT),
        (OSError("Multiple exceptions"), "Multiple exceptions", ADDRESS),
        (TimeoutError("no answer within 10 s"), "no answer within 10 s", ADDRESS),
        (TimeoutError(), "TimeoutError", ADDRESS),
    ],
)
def test_an_error_is_described_and_has_advice(error: Exception | None, text: str, advice: str) -> None:
    assert describe(error) == text
    assert connect_advice(error) == advice
    assert str(connect_error(BROKER, error)) == f"{BROKER}: {text}; {advice}"


@pytest.mark.parametrize(
    ("answer", "version_5", "sentence", "reason_code"),
    [
        (
            ConnectAnswer(session_present=False, code=0x87, reason_text="ask Ada"),
            True,
            f"Not authorized, code 135: ask Ada); {LOGIN}, and the broker's access rules",
            0x87,
        ),
        (
            ConnectAnswer(session_present=False, code=0x97),
            True,
            "Quota exceeded, code 151); raise the broker's quota for this client, or make room in it",
            0x97,
        ),
        (ConnectAnswer(session_present=False, code=0xC3), True, "unknown reason, code 195)", 0xC3),
        (
            ConnectAnswer(session_present=False, code=4),
            False,
            f"Bad user name or password, code 4); {LOGIN}",
            None,
        ),
        (ConnectAnswer(session_present=False, code=99), False, "unknown reason, code 99)", None),
    ],
)
def test_a_refused_connection_is_explained(
    answer: ConnectAnswer,
    version_5: bool,  # noqa: FBT001
    sentence: str,
    reason_code: int | None,
) -> None:
    error = refused_connection(BROKER, answer, version_5=version_5)
    assert str(error) == f"{BROKER}: the broker refuses the connection ({sentence}"
    assert error.reason_code == reason_code


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: ended_by_broker(BROKER, Disconnection(0x87, "bye")),
            f"the connection is lost, the broker ended it (Not authorized, code 135: bye); {RULES}",
        ),
        (
            lambda: refused_publication(BROKER, "tweets/in", 0x87),
            f"no message to tweets/in (Not authorized, code 135); {RULES}",
        ),
        (
            lambda: refused_subscription(BROKER, "tweets/in", 0x87),
            f"no subscription to tweets/in (Not authorized, code 135); {RULES}",
        ),
        (
            lambda: ended_by_broker(BROKER, Disconnection(0)),
            "the connection is lost, the broker ended it (Success, code 0)",
        ),
    ],
)
def test_what_the_broker_refuses_or_ends_is_explained(make: Callable[[], BrokerError], sentence: str) -> None:
    error = make()
    assert str(error) == f"{BROKER}: {sentence}"
    assert error.reason_code == (0x87 if "135" in sentence else 0)
