"""Notifications to systemd: ready, reloading, stopping, and the watchdog's keep-alive signal (sd_notify(3)).

The keep-alive signal comes from the event loop, so that a blocked loop sends none. It is withheld while a tweet or an
inference takes too long. systemd then kills the service and starts it again (`WatchdogSec=`, `Restart=`).
"""

import asyncio
import logging
import os
import re
import socket
import time

from stream.telemetry.health import Health

logger = logging.getLogger(__name__)

_SOCKET_VARIABLE = "NOTIFY_SOCKET"
_PERIOD_VARIABLE = "WATCHDOG_USEC"
_PROCESS_VARIABLE = "WATCHDOG_PID"
_NUMBER = re.compile(r"[0-9]{1,20}")
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.001, 1.0
"""Limits of the time between two reports."""


async def report_to_systemd(health: Health) -> None:
    """Report until cancelled; returns at once where systemd does not listen."""
    address = os.environ.get(_SOCKET_VARIABLE)
    if not address:
        return
    reporter = Reporter(address, health, watchdog_seconds())
    try:
        while True:
            reporter.report()
            await asyncio.sleep(reporter.interval_seconds)
    finally:
        reporter.report_stopping()


class Reporter:
    """Reports of the service's state to systemd.

    Args:
        address: Address of systemd's socket.
        health: The service's state.
        watchdog_seconds: Time within which systemd expects a keep-alive signal; None: it expects none.
    """

    def __init__(self, address: str, health: Health, watchdog_seconds: float | None) -> None:
        self._address = address
        self._health = health
        self._watchdog_seconds = watchdog_seconds
        self._sent = ""
        self._was_ready = False
        self._reloads = 0
        self._stuck = False
        self._reachable = True

    @property
    def interval_seconds(self) -> float:
        """Time between two reports: a third of the watchdog's, and at most a second."""
        third = _LONGEST_SECONDS if self._watchdog_seconds is None else self._watchdog_seconds / 3
        return min(max(third, _SHORTEST_SECONDS), _LONGEST_SECONDS)

    def report(self) -> None:
        """Send the state if it changed, and a keep-alive signal unless the service is stuck."""
        stuck = self._health.stuck()
        if stuck and not self._stuck:
            logger.error("no keep-alive signal is sent to systemd: %s", stuck)
        self._stuck = stuck is not None
        self._report_reloads()
        is_reloading = self._was_ready and self._health.reloads_requested > self._health.reloads_done
        if self._health.stopping or not is_reloading:
            self._send_state(self._state())
        if not stuck and self._watchdog_seconds is not None:
            self._send("WATCHDOG=1")

    def report_stopping(self) -> None:
        """Tell systemd that the service ends, unless it was told before."""
        if not self._sent.startswith("STOPPING=1"):
            self._send_state("STOPPING=1\nSTATUS=stopping")

    def _report_reloads(self) -> None:
        """Tell systemd of new reloads; `READY=1` ends them, also where the new model was refused."""
        if self._was_ready and self._health.reloads_requested > self._reloads:
            microseconds = time.monotonic_ns() // 1000
            self._send_state(f"RELOADING=1\nMONOTONIC_USEC={microseconds}\nSTATUS=loading a model")
        self._reloads = self._health.reloads_requested

    def _state(self) -> str:
        """State to send. The first `READY=1` ends the start; a later loss of readiness changes the status only."""
        missing = self._health.missing()
        status = f"STATUS=not ready: {'; '.join(missing)}" if missing else "STATUS=ready"
        if self._health.stopping:
            return f"STOPPING=1\n{status}"
        ready, ends_reload = f"READY=1\n{status}", self._sent.startswith("RELOADING=1")
        return status if missing and not ends_reload and self._sent != ready else ready

    def _send_state(self, state: str) -> None:
        if state != self._sent and self._send(state):
            self._sent = state
            self._was_ready = self._was_ready or state.startswith("READY=1")

    def _send(self, state: str) -> bool:
        """Send a message; a failure is logged once, until a message gets through again."""
        try:
            notify(self._address, state)
        except (OSError, ValueError) as error:
            if self._reachable:
                logger.warning(
                    "cannot notify systemd at %s=%s (%s); will keep trying", _SOCKET_VARIABLE, self._address, error
                )
            self._reachable = False
            return False
        if not self._reachable:
            logger.info("systemd can be notified again at %s", self._address)
        self._reachable = True
        return True


def notify(address: str, state: str) -> None:
    """Send a message to systemd's socket, without waiting where its queue is full.

    Raises:
        OSError: Nothing listens at the address, or its queue is full.
    """
    if address.startswith("@"):  # an abstract socket, which the kernel marks by a NUL
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as systemd:
        systemd.sendto(state.encode(), address)


def watchdog_seconds() -> float | None:
    """Time within which systemd expects a keep-alive signal; None where it expects none (sd_watchdog_enabled(3))."""
    period, process = os.environ.get(_PERIOD_VARIABLE, ""), os.environ.get(_PROCESS_VARIABLE)
    microseconds = int(period) if _NUMBER.fullmatch(period) else 0
    if period and not microseconds:
        logger.warning("%s=%.40r is no number of microseconds; no keep-alive signal is sent", _PERIOD_VARIABLE, period)
    is_for_us = process is None or (_NUMBER.fullmatch(process) is not None and int(process) == os.getpid())
    return microseconds / 1e6 if microseconds and is_for_us else None
