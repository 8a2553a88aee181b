"""Tells systemd whether the service is ready, and that it is alive only while work gets done (sd_notify(3)).

The sign of life comes from the event loop, so that a blocked loop gives none; and it is withheld while a tweet or an
inference is under way for too long. systemd then ends the service and starts it anew (`WatchdogSec=`, `Restart=`).
"""

import asyncio
import logging
import os
import socket

from stream.telemetry.health import Health

logger = logging.getLogger(__name__)

_SOCKET_VARIABLE = "NOTIFY_SOCKET"
_PERIOD_VARIABLE = "WATCHDOG_USEC"
_LOOK_SECONDS = 1.0
"""After so long at most systemd, and who waits for it, hear that the service is ready, or is so no more."""


async def report_to_systemd(health: Health) -> None:
    """Report for as long as it is let; returns at once where systemd does not listen."""
    if _SOCKET_VARIABLE not in os.environ:
        return
    told, was_stuck = "", False
    look_seconds = _look_seconds()
    while True:
        state, stuck = _state(health), health.stuck()
        if stuck and not was_stuck:
            logger.error("no sign of life for systemd: %s", stuck)
        was_stuck = stuck is not None
        try:
            if state != told:
                notify(state)
                told = state
            if not stuck:
                notify("WATCHDOG=1")
        except OSError as error:  # while systemd starts itself anew; it is no reason to stop labelling
            logger.warning("systemd cannot be told how the service is: %s", error)
        await asyncio.sleep(look_seconds)


def _state(health: Health) -> str:
    """What `systemctl status` shows; who waits for the start is told with it, and hears nothing new from it later."""
    missing = health.missing()
    return f"STATUS=not ready: {'; '.join(missing)}" if missing else "READY=1\nSTATUS=ready"


def notify(state: str) -> None:
    """Send a state to systemd, where it listens."""
    address = os.environ.get(_SOCKET_VARIABLE)
    if not address:
        return
    if address.startswith("@"):  # an abstract socket, which the kernel wants with a NUL
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.sendto(state.encode(), address)


def _look_seconds() -> float:
    """A third of the time that systemd waits for a sign of life, but a second at most."""
    period_microseconds = int(os.environ.get(_PERIOD_VARIABLE, "0"))
    return min(period_microseconds / 3e6, _LOOK_SECONDS) if period_microseconds else _LOOK_SECONDS
