"""The errors of a connection in words: what failed, and what to check."""

import os
import socket
import ssl

from stream.errors import BrokerError, PublicationRefusedError
from stream.mqtt.packets import ConnectAnswer, Disconnection, MalformedPacketError
from stream.mqtt.reason_codes import (
    connect_reason_advice,
    reason_advice,
    reason_name,
    return_code_advice,
    return_code_name,
)

_CLOSED = "the broker closed the connection"


def describe(error: Exception | None) -> str:
    """Return what ended a connection, in words; None: the broker closed it."""
    if error is None:
        return _CLOSED
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return f"the name cannot be resolved: {error.strerror}"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


def connect_advice(error: Exception | None) -> str:
    """Return what to check where no connection came about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "check broker.ca_file and that broker.host is the name in its certificate"
    if isinstance(error, ssl.SSLError):
        return "check that this port speaks TLS, and broker.certificate_file if it asks for one"
    if error is None or isinstance(error, MalformedPacketError | ConnectionResetError | BrokenPipeError):
        return (
            "check that broker.port is a port for MQTT, that broker.tls is as the broker wants it, and broker.protocol"
        )
    return "check broker.host and broker.port, and that the broker runs"


def connect_error(broker: str, error: Exception | None) -> BrokerError:
    """Return the error of a connection that did not come about.

    Args:
        broker: The broker's name in errors.
        error: What went wrong; None: the broker closed the connection.
    """
    return BrokerError(f"{broker}: {describe(error)}; {connect_advice(error)}")


def refused_connection(broker: str, answer: ConnectAnswer, *, version_5: bool) -> BrokerError:
    """Return the error of a connection that the broker refused."""
    name = reason_name(answer.code) if version_5 else return_code_name(answer.code)
    advice = connect_reason_advice(answer.code) if version_5 else return_code_advice(answer.code)
    return BrokerError(
        _sentence(f"{broker}: the broker refuses the connection", name, answer.reason_text, advice),
        reason_code=answer.code if version_5 else None,
    )


def ended_by_broker(broker: str, ended: Disconnection) -> BrokerError:
    """Return the error of a connection that the broker ended with a reason."""
    name, advice = reason_name(ended.code), reason_advice(ended.code)
    what = f"{broker}: the connection is lost, the broker ended it"
    return BrokerError(_sentence(what, name, ended.reason_text, advice), reason_code=ended.code)


def refused_publication(broker: str, topic: str, code: int) -> PublicationRefusedError:
    """Return the error of a message that the broker refused."""
    sentence = _sentence(f"{broker}: no message to {topic}", reason_name(code), "", reason_advice(code))
    return PublicationRefusedError(sentence, reason_code=code)


def refused_subscription(broker: str, topic: str, code: int) -> BrokerError:
    """Return the error of a subscription that the broker refused."""
    return BrokerError(
        _sentence(f"{broker}: no subscription to {topic}", reason_name(code), "", reason_advice(code)),
        reason_code=code,
    )


def _sentence(what: str, reason: str, explanation: str, advice: str) -> str:
    explained = f"{reason}: {explanation}" if explanation else reason
    return f"{what} ({explained})" + (f"; {advice}" if advice else "")
